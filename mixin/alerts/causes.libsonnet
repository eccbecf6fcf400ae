// Alerts about single causes: spikes, and causes of which one call is one too many.
{
  local config = $._config,
  local promql = (import '../promql.libsonnet')(config),
  local alert = (import 'alert.libsonnet')(config),
  local minute = config.minute,
  local hour = config.hour,
  local pair = 'on (cause, microsoft_code, sip_code)',
  local failures(window) = 'trunk_cause:cdr_call_failures_live:increase' + window,

  // Surely more of this cause than `factor` times the usual share of the trunk's calls; and nothing to wake for below `least`.
  local spikes(matchers, least) = |||
    (
      %(bound)s
      > (clamp(%(factor)g * (%(usual)s and %(bound)s), %(least)g, %(most)g) or 0 * %(bound)s + %(unknown)g)
    )
  ||| % {
    bound: 'trunk_cause:cdr_call_failures_live_per_attempt:lower_bound' + matchers,
    usual: 'trunk_cause:cdr_call_failures_live_per_attempt:usual' + matchers,
    factor: config.spikeFactor,
    least: least,
    most: config.spikeAtMost,
    unknown: config.spikeOfUnknown,
  },
  local catalogued(expr, categories) =
    '%s\n* %s group_left (category, side)\ncause:cdr_cause_info:one%s' % [std.rstripChars(expr, '\n'), pair, categories],

  local count = alert.value([failures('1h'), ''], alert.ofCause),
  local calls(window) = alert.value(['trunk:cdr_calls_live:increase' + window, '']),
  local text = {
    headline: alert.trunkName + ': ' + count + ' of ' + calls('1h') + ' calls fail, {{ $labels.cause }}',
    description:
      count + ' of ' + calls('1h') + ' calls of the last hour on trunk ' + alert.trunkName + ' failed with '
      + '{{ $labels.cause }} ({{ $labels.microsoft_code }}/{{ $labels.sip_code }}). Who can fix it: {{ $labels.side }}. Remedy: '
      + '{{ with printf "cause:cdr_cause_info:one{cause=%q,microsoft_code=%q,sip_code=%q}" $labels.cause $labels.microsoft_code $labels.sip_code | query }}'
      + '{{ . | first | label "remedy" }}{{ end }}',
    dashboard_url: alert.dashboards.cause,
    example_calls: alert.dashboards.causeInHour,
  },
  local course(name) = {
    calls_lost: alert.callsLostByCause(name, hour),
    usual: alert.value(
      ['trunk_cause:cdr_call_failures_live_per_attempt:usual', ''], alert.ofCause, '| humanizePercentage', 'not known yet'
    ),
  },

  // One call shows the fault, or many would have to: what fails every call, and what fails single ones.
  local everyCall = 'certificate|dns',
  local someCalls = 'tls_session',

  local ofCause(alerts) = [alert { ofCause:: true } for alert in alerts],

  callAlerts+:: ofCause([
    alert.new(
      'CdrIceConnectivityChecksFailedSpike',
      'critical',
      catalogued(spikes('{cause="IceConnectivityChecksFailed"}', config.spikeAtLeast.critical), ''),
      after=2 * minute,
      keep=20 * minute,
      annotations={ summary: 'Calls on a trunk fail because no media path comes up.' } + text + course('CdrIceConnectivityChecksFailedSpike'),
    ) { comment:: |||
      Set-up succeeded, and then no way for the voice: callers hear silence.
    ||| },
    alert.new(
      'CdrCauseSpike',
      'warning',
      catalogued(
        spikes('{cause!="IceConnectivityChecksFailed"}', config.spikeAtLeast.warning),
        '{category!~"%s|%s|emergency_routing"}' % [everyCall, someCalls],
      ),
      after=5 * minute,
      keep=20 * minute,
      annotations={ summary: 'Calls on a trunk fail far more often than usual of one cause.' } + text + course('CdrCauseSpike'),
    ) { comment:: |||
      The same for every other cause but those that have an alert of their own.
    ||| },
    alert.new(
      'CdrSbcCertificate',
      'critical',
      catalogued('(%s > 0)' % failures('10m'), '{category=~"%s"}' % everyCall)
      + '\nor\n'
      + catalogued(spikes('', config.spikeAtLeast.critical), '{category=~"%s"}' % someCalls),
      after=0,
      keep=30 * minute,
      annotations={ summary: 'Microsoft cannot reach an SBC by name or trust its certificate.' } + text {
        calls_lost: alert.callsLostByCause('CdrSbcCertificate', hour),
      },
    ) { comment:: |||
      One call of these means that every call to this SBC fails, or soon will: no volume to wait for. A TLS session that
      expired fails single calls; that must be many.
    ||| },
    alert.new(
      'CdrEmergencyCallFailed',
      'critical',
      catalogued('(%s > 0)' % failures('10m'), '{category=~"emergency_routing"}'),
      after=0,
      keep=30 * minute,
      annotations={ summary: 'An emergency call found no way out.' } + text {
        headline: alert.trunkName + ': an emergency call failed, {{ $labels.cause }}',
      },
    ),
    alert.new(
      'CdrUnlistedCause',
      'info',
      '%s >= 3\nor %s >= 3' % [failures('1h') + '{cause=~"Unlisted.*"}', failures('1d') + '{cause=~"Unlisted.*"}'],
      after=5 * minute,
      keep=25 * hour,
      annotations={
        summary: 'Calls fail with a code pair that the catalogue does not know.',
        headline: alert.trunkName + ': unlisted code pair {{ $labels.microsoft_code }}/{{ $labels.sip_code }}',
        description:
          '{{ $value | printf "%.0f" }} calls on trunk ' + alert.trunkName + ' failed with {{ $labels.microsoft_code }}/{{ $labels.sip_code }}, '
          + 'which the catalogue does not name ({{ $labels.cause }}). Remedy: look the pair up (cdr-exporter explain), then '
          + 'add it under causes: in the configuration.',
        dashboard_url: alert.dashboards.cause,
      },
    ) { comment:: 'It stays until the daily digest has had it.' },
  ]),
}
