// Alerts about calls that do not come: on a trunk and direction, on most trunks at once, and for good.
{
  local config = $._config,
  local promql = (import '../promql.libsonnet')(config),
  local alert = (import 'alert.libsonnet')(config),
  local minute = config.minute,
  local hour = config.hour,
  local inWords = { '10m': '10 minutes', '1h': 'hour', '6h': '6 hours', '1d': 'day' },

  // A trunk is silent for itself only if its neighbours are not.
  local silent(window) = |||
    trunk_direction:cdr_calls:missing%(w)s
    unless ignoring (trunk, direction) source:cdr_calls:quiet_trunks%(w)s
    unless trunk_direction:cdr_calls:decommissioned
  ||| % { w: window },
  local silentAlert(severity, windows, after) =
    local window = windows[std.length(windows) - 1];
    local count(name, window) = alert.value(['trunk_direction:cdr_calls:%s%s' % [name, window], ''], alert.ofDirection);
    // Of the shorter window while that one shows it.
    local inWindow(text) = alert.ifAny(
      ['trunk_direction:cdr_calls:missing' + windows[0], ''], text(windows[0]), text(window), alert.ofDirection
    );
    alert.new(
      'CdrTrunkSilent',
      severity,
      std.join('or\n', [silent(window) for window in windows]),
      after=after,
      keep=20 * minute,
      annotations={
        summary: 'A trunk that should be busy carries no calls, or hardly any.',
        headline: alert.trunkName + ': ' + inWindow(
          function(window) '%s {{ $labels.direction }} calls in the last %s, usually %s' % [
            count('increase', window),
            inWords[window],
            count('expected', window),
          ]
        ),
        description:
          inWindow(
            function(window)
              '%s {{ $labels.direction }} calls in the last %s on trunk %s; at this time of earlier weeks there are at least %s. ' % [
                count('increase', window),
                inWords[window],
                alert.trunkName,
                count('expected', window),
              ]
          )
          + "Remedy: place a test call in each direction, then check the SBC's link to Teams and to the carrier.",
        dashboard_url: alert.dashboards.trunk,
      },
      labels={ window: window },
    ),

  callAlerts+:: [
    silentAlert('critical', ['10m', '1h'], 5 * minute) { comment:: |||
      The source goes on delivering, but this trunk has far fewer calls in a direction than at this time of earlier weeks.
      The busier the sooner. If the whole source is silent, that is CdrExporterNoRecords.
    ||| },
    silentAlert('warning', ['6h', '1d'], 15 * minute),
    alert.new(
      'CdrAllTrunksQuiet',
      'critical',
      std.join('\nor ', ['source:cdr_calls:quiet_trunks' + window for window in ['10m', '1h', '6h', '1d']]),
      after=10 * minute,
      keep=hour,
      annotations={
        summary: 'Most trunks of a source carry far fewer calls than usual.',
        headline: '{{ $labels.source }}: {{ $value | printf "%.0f" }} trunks are quiet at once',
        description:
          '{{ $value | printf "%.0f" }} trunks of source {{ $labels.source }} have less than half of the calls that they have at this time of '
          + 'earlier weeks, some of them next to none. Remedy: if it is no public holiday, check what the trunks share: the '
          + 'internet line, the firewall, the carrier, Microsoft (service health).',
        dashboard_url: alert.dashboards.overview,
      },
    ) { comment:: 'A public holiday, or an outage of what trunks share: one message, and none for each trunk.' },
    alert.new(
      'CdrTrunkDecommissioned',
      'info',
      'trunk_direction:cdr_calls:decommissioned',
      after=15 * minute,
      keep=hour,
      annotations={
        summary: 'A trunk looks decommissioned.',
        headline: alert.trunkName + ': no {{ $labels.direction }} call for two days, looks decommissioned',
        description:
          'Trunk ' + alert.trunkName + ' has had no {{ $labels.direction }} call for two days, and its silence rang long enough for somebody to '
          + 'see it. It rings no more. Remedy: if it was taken out of service, nothing; the earlier weeks forget it. If not, '
          + 'see CdrTrunkSilent.',
        dashboard_url: alert.dashboards.trunk,
      },
    ),
  ],
}
