// What every alert has: severity, patience, links; and the pieces of text that several share.
//
// Annotations: `summary` is a fixed sentence. `headline` is for a phone's lock screen: where, how bad, what. `description`
// says it in full and ends with the remedy. `usual`, `leading_causes` and `calls_lost` are lines of the message's body.
function(config) {
  local d = (import '../promql.libsonnet')(config).d,
  new(name, severity, expr, after, keep, annotations, labels={}):: {
    alert: name,
    expr: expr,
    'for': d(after),
    keep_firing_for: d(keep),
    labels: { severity: severity } + labels,
    annotations: annotations { runbook_url: '%s#%s' % [config.runbooksUrl, std.asciiLower(name)] },
  },

  dashboards:: {
    local dashboard(uid, variables) = '%s/d/%s%s' % [
      config.grafanaUrl,
      uid,
      if variables == [] then '' else '?' + std.join('&', ['var-%s={{ $labels.%s | urlquery }}' % [v, v] for v in variables]),
    ],
    overview: dashboard('cdr-overview', ['source']),
    trunk: dashboard('cdr-trunk', ['trunk', 'source']),
    cause: dashboard('cdr-cause', ['cause', 'trunk', 'source']),
    exporter: dashboard('cdr-exporter', ['instance']),
    source: dashboard('cdr-exporter', ['source']),
  },

  trunkName:: '{{ or $labels.trunk "(none)" }}',
  // Queries in templates: $S in them stands for the selector of this alert's source, trunk or direction.
  ofSource:: { selector: '{source=%[1]q}', labels: '$labels.source', next: 2 },
  ofTrunk:: { selector: '{source=%[1]q,trunk=%[2]q}', labels: '$labels.source $labels.trunk', next: 3 },
  ofDirection:: {
    selector: '{source=%[1]q,trunk=%[2]q,direction=%[3]q}',
    labels: '$labels.source $labels.trunk $labels.direction',
    next: 4,
  },

  // The value of a query about this alert's trunk or source as a template's text; `otherwise` where it has none.
  value(query, of=self.ofTrunk, format='| printf "%.0f"', otherwise='0')::
    '{{ with printf %s %s | query }}{{ . | first | value %s }}{{ else }}%s{{ end }}'
    % [std.manifestJson(std.strReplace(query, '$S', of.selector)), of.labels, format, otherwise],

  // Faults and calls: of the last ten minutes if they show the fault more surely than the last hour, else of that hour.
  recent(name)::
    'trunk:%s:increase10m$S and trunk:cdr_call_faults_live_per_attempt:lower_bound10m$S > trunk:cdr_call_faults_live_per_attempt:lower_bound1h$S or trunk:%s:increase1h$S'
    % [name, name],

  local leading(count, window, of) =
    std.manifestJson('sort_desc(topk(%d, sum by (cause, microsoft_code, sip_code) (trunk_cause:cdr_call_failures_live:increase%s%s)))'
                     % [count, window, of.selector]),
  leadingCauses(window, of=self.ofTrunk)::
    ('{{ range $place, $cause := printf %s %s | query }}{{ if $place }}; {{ end }}{{ .Value | printf "%%.0f" }} '
     + '{{ .Labels.cause }} ({{ .Labels.microsoft_code }}/{{ .Labels.sip_code }}){{ end }}')
    % [leading(3, window, of), of.labels],
  leadingCause(window, of=self.ofTrunk)::
    '{{ range printf %s %s | query }}, {{ .Labels.cause }}{{ end }}' % [leading(1, window, of), of.labels],
  // Who can mend the leading cause, and how.
  remedy(window, otherwise, of=self.ofTrunk)::
    ('{{ with printf %s %s | query }}{{ with . | first }}Who can fix it: {{ .Labels.side }}. Remedy: {{ .Labels.remedy }}'
     + '{{ end }}{{ else }}Remedy: %s{{ end }}')
    % [
      std.manifestJson(
        'topk(1, sum by (cause, microsoft_code, sip_code) (trunk_cause:cdr_call_failures_live:increase%s%s)) ' % [window, of.selector]
        + '* on (cause, microsoft_code, sip_code) group_left (side, remedy) cause:cdr_cause_info:one'
      ),
      of.labels,
      otherwise,
    ],

  // Faults since the alert began and in the window before it. While it begins, Prometheus does not know since when.
  callsLost(name, window, of=self.ofTrunk)::
    local matchers = std.substr(of.selector, 1, std.length(of.selector) - 2);
    local before = std.ceil(window / config.compress);
    ('{{ with printf %s %s | query }}{{ with printf %s %s (. | first | value) | query }}'
     + '{{ . | first | value | printf "%%.0f" }}{{ end }}{{ end }}')
    % [
      std.manifestJson('%d + (max(time() - ALERTS_FOR_STATE{alertname="%s",%s}) or vector(0))' % [before, name, matchers]),
      of.labels,
      std.manifestJson('sum(increase(trunk_direction_arrival:cdr_call_faults:sum{arrival="live",' + matchers + '}[%.0[' + of.next + ']fs]))'),
      of.labels,
    ],
}
