// What every alert has: severity, patience, links; and the pieces of text that several share.
//
// Annotations: `summary` is a fixed sentence. `headline` is for a phone's lock screen: where, how bad, what. `description`
// says it in full and ends with the remedy. `usual`, `leading_causes`, `calls_lost` and `example_calls` are lines of the
// message's body.
function(config) {
  local d = (import '../promql.libsonnet')(config).d,
  new(name, severity, expr, after, keep, annotations, labels={}, page=config.runbooksUrl):: {
    alert: name,
    expr: expr,
    'for': d(after),
    keep_firing_for: d(keep),
    labels: { severity: severity } + labels,
    annotations: annotations { runbook_url: '%s#%s' % [page, std.asciiLower(name)] },
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
    causeInHour: self.cause + '&from=now-1h&to=now',
    exporter: dashboard('cdr-exporter', ['instance']),
    source: dashboard('cdr-exporter', ['source']),
  },

  trunkName:: '{{ or $labels.trunk "(none)" }}',
  // Queries in templates: of this alert's exporter, source, trunk or direction. Sources of several exporters may have one
  // name.
  local of(own) = {
    local labels = config.targetLabels + own,
    own: own,
    labels: std.join(' ', ['$labels.' + label for label in labels]),
    matchers: std.join(',', ['%s=%%[%d]q' % [labels[i], i + 1] for i in std.range(0, std.length(labels) - 1)]),
    selector: '{' + self.matchers + '}',
    next: std.length(labels) + 1,
  },
  ofSource:: of(['source']),
  ofTrunk:: of(['source', 'trunk']),
  ofDirection:: of(['source', 'trunk', 'direction']),
  ofCause:: of(['source', 'trunk', 'cause', 'microsoft_code', 'sip_code']),
  local query(parts, of, more='') = 'printf `' + std.join(of.selector, parts) + '` ' + of.labels + more + ' | query',

  // The value of a query, which is given as the parts around the selector; `otherwise` where it has none.
  value(parts, of=self.ofTrunk, format='| printf "%.0f"', otherwise='0')::
    '{{ with ' + query(parts, of) + ' }}{{ . | first | value ' + format + ' }}{{ else }}' + otherwise + '{{ end }}',

  // One text if the query, given as for `value`, has a result, else the other.
  ifAny(parts, text, otherwise, of=self.ofTrunk)::
    '{{ if ' + query(parts, of) + ' }}' + text + '{{ else }}' + otherwise + '{{ end }}',

  // Faults or calls: of the last ten minutes if they show the fault more surely than the last hour, else of that hour.
  recent(name)::
    local bound = 'trunk:cdr_call_faults_live_per_attempt:lower_bound';
    ['trunk:' + name + ':increase10m', ' and ' + bound + '10m', ' > ' + bound + '1h', ' or trunk:' + name + ':increase1h', ''],

  // Of a trunk's day, where there are many causes, the three largest are recorded.
  local leading(count, window, of) =
    local ofTrunk = std.member(of.own, 'trunk');
    local counts = if window == '1d' && ofTrunk then 'leading1d' else 'increase' + window;
    local level = if ofTrunk then 'trunk_cause' else 'source_cause';
    [
      'topk(%d, sum by (cause, microsoft_code, sip_code) (%s:cdr_call_failures_live:%s' % [count, level, counts],
      '))',
    ],
  local sorted(parts) = ['sort_desc(' + parts[0], parts[1] + ')'],
  leadingCauses(window, of=self.ofTrunk)::
    '{{ range $place, $cause := ' + query(sorted(leading(3, window, of)), of)
    + ' }}{{ if $place }}; {{ end }}{{ .Value | printf "%.0f" }} {{ .Labels.cause }} '
    + '({{ .Labels.microsoft_code }}/{{ .Labels.sip_code }}){{ end }}',
  leadingCause(window, of=self.ofTrunk)::
    '{{ range ' + query(leading(1, window, of), of) + ' }}, {{ .Labels.cause }}{{ end }}',
  // Where the calls of the leading cause are points with their ids: templates cannot read exemplars, dashboards can.
  exampleCalls(window, of=self.ofTrunk)::
    local rest = if std.member(of.own, 'trunk') then '&var-trunk={{ $labels.trunk | urlquery }}' else '';
    '{{ range ' + query(leading(1, window, of), of) + ' }}' + config.grafanaUrl + '/d/cdr-cause?var-cause={{ .Labels.cause | urlquery }}'
    + rest + '&var-source={{ $labels.source | urlquery }}&from=now-' + window + '&to=now{{ end }}',
  // Who can mend the leading cause, and how.
  remedy(window, otherwise, of=self.ofTrunk)::
    local described =
      'printf "cause:cdr_cause_info:one{cause=%q,microsoft_code=%q,sip_code=%q}" .Labels.cause .Labels.microsoft_code .Labels.sip_code | query';
    local orElse = '{{ else }}Remedy: ' + otherwise + '{{ end }}';
    '{{ with ' + query(leading(1, window, of), of) + ' }}{{ with . | first }}{{ with ' + described + ' }}{{ with . | first }}'
    + 'Who can fix it: {{ .Labels.side }}. Remedy: {{ .Labels.remedy }}{{ end }}' + orElse + '{{ end }}' + orElse,

  // Calls that were lost since the alert began and in the window before it. While it begins, Prometheus does not know since
  // when.
  local lost(operation, series, range='') = function(name, window, of)
    local before = std.ceil(window / config.compress);
    local since = before + ' + (max(time() - ALERTS_FOR_STATE{alertname="' + name + '",' + of.matchers + '}) or vector(0))';
    local calls = 'sum(' + operation + '(' + series + of.matchers + '}[%.0[' + of.next + ']fs' + range + ']))';
    '{{ with ' + query([since], of) + ' }}{{ with ' + query([calls], of, ' (. | first | value)')
    + ' }}{{ . | first | value | printf "%.0f" }}{{ end }}{{ end }}',
  callsLost(name, window, of=self.ofTrunk)::
    lost('increase', 'trunk_arrival:cdr_call_faults:sum{arrival="live",')(name, window, of),
  callsLostInDirection(name, window)::
    lost('increase', 'trunk_direction_arrival:cdr_calls_failed:sum{arrival="live",')(name, window, self.ofDirection),
  // By their ten minutes, which have the first call of a cause, too. The last of them are in it while the alert is kept.
  callsLostByCause(name, window)::
    lost('sum_over_time', 'trunk_cause:cdr_call_failures_live:increase10m{', ':' + d(10 * config.minute))(
      name, window, self.ofCause
    ),
}
