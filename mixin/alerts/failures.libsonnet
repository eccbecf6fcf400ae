// Alerts about calls that fail: on a trunk, of one cause, in one direction, and on all trunks together.
{
  local config = $._config,
  local promql = (import '../promql.libsonnet')(config),
  local alert = (import 'alert.libsonnet')(config),
  local d = promql.d,
  local minute = config.minute,
  local hour = config.hour,
  local day = config.day,
  local ratio = 'cdr_call_faults_live_per_attempt',

  // What may be: so many times the usual share within bounds; the upper bound where nothing is known.
  local allowed(level, factor, like, usual='%s:%s:usual' % [level, ratio]) =
    '(clamp(%(factor)g * %(usual)s, %(least)g, %(most)g) or 0 * %(like)s + %(most)g)'
    % { factor: factor, usual: std.rstripChars(usual, '\n'), like: like, least: config.allowedAtLeast, most: config.allowedAtMost },

  // The same for a trunk, of which few calls may have made the usual share look smaller than it is: a standard deviation more of it.
  local allowedOfTrunk(factor, window) = allowed('trunk', factor, 'trunk:%s:lower_bound%s' % [ratio, window], |||
    sin(asin(sqrt(%(usual)s)) + 0.5 / sqrt(trunk:cdr_calls_live:increase%(window)s)) ^ 2
  ||| % { usual: 'trunk:%s:usual' % ratio, window: window }),

  // The newer part of the window is well again, and that is no chance: no need to wait until the window has forgotten.
  local recovered(level, window, recent) = |||
    (
      %(faults)s:increase%(recent)s <= %(least)g * %(calls)s:increase%(recent)s
      and %(upper)s < %(level)s:%(ratio)s:lower_bound%(window)s
    )
  ||| % {
    level: level,
    ratio: ratio,
    window: window,
    recent: recent,
    least: config.allowedAtLeast,
    faults: level + ':cdr_call_faults_live',
    calls: level + ':cdr_calls_live',
    upper: '%s:%s:upper_bound%s' % [level, ratio, recent],
  },

  // The windows of CdrTrunkFailureRatioHigh: `seen` are the bounds of which one must be above `above`.
  local trunkWindows = [
    { window: '1h', severity: 'critical', seen: ['10m', '1h'], above: '%g' % config.criticalShare, faults: 5, recent: '10m' },
    { window: '6h', severity: 'critical', seen: ['6h'], above: '%g' % config.criticalShareOfFew, faults: 10, recent: '1h' },
    { window: '6h', severity: 'warning', seen: ['1h', '6h'], factor: 3, faults: 3, recent: '1h' },
    { window: '1d', severity: 'warning', seen: ['1d'], factor: 2, faults: 3, recent: '6h' },
    { window: '3d', severity: 'warning', seen: ['3d'], factor: 1.5, faults: 3, recent: '1d' },
  ],
  local seconds = { '1h': hour, '6h': 6 * hour, '1d': day, '3d': 3 * day },
  local inWords = { '10m': '10 minutes', '1h': 'hour', '6h': '6 hours', '1d': 'day', '3d': '3 days' },
  // An outage of all trunks is behind the faults of the days after it, when it does not ring any more.
  local explained(window) = '  unless on (%s) count_over_time(ALERTS{alertname="CdrAllTrunksFailureRatioHigh",alertstate="firing"}[%s])\n'
                            % [std.join(', ', config.targetLabels + ['source']), d(seconds[window])],
  local trunkRatio(of) =
    local bound(window) = 'trunk:%s:lower_bound%s' % [ratio, window];
    // In a window that is wide enough for its faults: two calls of two that fail in an hour are no fault of six hours yet. And a little
    // surer, since there are many hours: that four of seven fail in one happens by chance on some trunk of a thousand each day.
    local above(window) =
      local isShort = !('above' in of) && window != of.window;
      '%s > %s' % [
        if isShort then promql.surer(bound(window), 'trunk:cdr_calls_live:increase' + window) else bound(window),
        if 'above' in of then of.above
        else allowedOfTrunk(of.factor, window),
      ]
      + if !isShort then '' else ' and trunk:cdr_call_faults_live:increase%s >= %g' % [window, of.faults - 0.5];
    local counts(name) =
      alert.value(if of.window == '1h' then alert.recent(name) else ['trunk:' + name + ':increase' + of.window, '']);
    alert.new(
      'CdrTrunkFailureRatioHigh',
      of.severity,
      |||
        (
          %(above)s
        )
        and trunk:cdr_call_faults_live:increase%(window)s >= %(faults)g
        unless %(recovered)s%(explained)s
      ||| % {
        explained: if seconds[of.window] < day then '' else explained(of.window),
        above: std.join('\n  or ', [above(window) for window in of.seen]),
        window: of.window,
        faults: of.faults - 0.5,
        recovered: recovered('trunk', of.window, of.recent),
      },
      after=0,
      keep=20 * minute,
      annotations={
        summary: 'A large part of the calls on a trunk fail.',
        headline: alert.trunkName + ': ' + counts('cdr_call_faults_live') + ' of ' + counts('cdr_calls_live')
                  + ' calls fail' + alert.leadingCause(if of.window == '1h' then '1h' else '1d'),
        description: (
          '%(faults)s of %(calls)s calls of the last %(window)s on trunk %(trunk)s failed, and not by the doing of caller or '
          + 'callee. %(remedy)s'
        ) % {
          faults: alert.value(['trunk:cdr_call_faults_live:increase' + of.window, '']),
          calls: alert.value(['trunk:cdr_calls_live:increase' + of.window, '']),
          window: inWords[of.window],
          trunk: alert.trunkName,
          remedy: alert.remedy(
            if of.window == '1h' then '1h' else '1d', "the trunk's dashboard lists the causes with what to do about each."
          ),
        },
        usual: alert.value(['trunk:' + ratio + ':usual', ''], format='| humanizePercentage', otherwise='not known yet'),
        leading_causes: alert.leadingCauses(if of.window == '1h' then '1h' else '1d'),
        example_calls: alert.exampleCalls(if of.window == '1h' then '1h' else '1d'),
        calls_lost: alert.callsLost('CdrTrunkFailureRatioHigh', seconds[of.window]),
        dashboard_url: alert.dashboards.trunk,
      },
      labels={ window: of.window },
    ),

  // Failing on most trunks, and still so without the worst of them: then it is what they share.
  local all(window, above) = |||
    source:%(ratio)s:lower_bound%(w)s > %(above)s
    and %(rest)s > %(least)g
    and source:cdr_call_faults_live:failing_trunks%(w)s
  ||| % {
    ratio: ratio,
    w: window,
    above: above,
    least: config.allowedAtLeast,
    rest: promql.lowerBound('source:cdr_call_faults_but_worst_live:increase' + window, 'source:cdr_calls_live:increase' + window),
  },
  local source(query, format='| printf "%.0f"', otherwise='0') = alert.value(query, alert.ofSource, format, otherwise),
  local allTrunks(severity, windows, above) =
    local short = windows[0], window = windows[1];
    // It speaks of the window that shows the fault more surely.
    local isShort = [' %s:lower_bound%s' % ['source:' + ratio, short], ' > source:%s:lower_bound%s' % [ratio, window]];
    local inSurer(name) = source(
      ['source:%s:increase%s' % [name, short], ' and' + isShort[0], isShort[1], ' or source:%s:increase%s' % [name, window], '']
    );
    local trunksInSurer(counted) =
      local inShort = counted(short), last = std.length(inShort) - 1;
      source(
        inShort[:last] + [inShort[last] + ' and on ()' + isShort[0], isShort[1], ' or ' + counted(window)[0]] + counted(window)[1:]
      );
    local failing(w) = [
      'count(trunk:cdr_call_faults_live:increase' + w,
      ' > %g * trunk:cdr_calls_live:increase%s' % [config.allowedAtLeast, w],
      ')',
    ];
    local busy(w) = ['count(trunk:cdr_calls_live:increase' + w, ' > 0)'];
    local affected = trunksInSurer(failing) + ' of ' + trunksInSurer(busy) + ' trunks';
    local counts = '%s of %s calls' % [inSurer('cdr_call_faults_live'), inSurer('cdr_calls_live')];
    local lastOf = alert.ifAny(
      [std.lstripChars(isShort[0], ' '), isShort[1], ''], inWords[short], inWords[window], alert.ofSource
    );
    alert.new(
      'CdrAllTrunksFailureRatioHigh',
      severity,
      std.join('or\n', [all(window, above(window)) for window in windows]),
      after=0,
      keep=20 * minute,
      annotations={
        summary: 'Calls fail on most trunks at once.',
        headline: '{{ $labels.source }}: ' + counts + ' fail on ' + affected
                  + alert.leadingCause(if window == '1h' then '1h' else '1d', alert.ofSource),
        description:
          counts + ' of the last ' + lastOf + ' failed, on ' + affected + ' of source {{ $labels.source }}. Look at what the trunks '
          + 'share: the internet line, the firewall, the tenant, Microsoft (service health). '
          + alert.remedy(if window == '1h' then '1h' else '1d', 'the overview lists the causes with what to do about each.', alert.ofSource),
        usual: source(['source:' + ratio + ':usual', ''], '| humanizePercentage', 'not known yet'),
        leading_causes: alert.leadingCauses(if window == '1h' then '1h' else '1d', alert.ofSource),
        example_calls: alert.exampleCalls(if window == '1h' then '1h' else '1d', alert.ofSource),
        calls_lost: alert.callsLost('CdrAllTrunksFailureRatioHigh', seconds[window], alert.ofSource),
        dashboard_url: alert.dashboards.overview,
      },
    ),

  // Calls that failed in one direction, whoever's doing it was.
  local ineffective(window) = |||
    trunk_direction:cdr_calls_failed_live_per_attempt:lower_bound%(window)s > %(share)g
    and trunk_direction:cdr_calls_failed_live:increase%(window)s > 4.5
  ||| % { window: window, share: config.ineffectiveShare },

  callAlerts+:: [
    allTrunks('critical', ['10m', '1h'], function(window) '%g' % config.criticalShareOfAll)
    { comment:: |||
      An outage of what trunks share shows as a little on each of many. Alertmanager inhibits the alerts of trunks that
      this one explains.
    ||| },
    allTrunks('warning', ['1h', '6h'], function(window) allowed('source', 3, 'source:%s:lower_bound%s' % [ratio, window])),
    trunkRatio(trunkWindows[0]) { comment:: |||
      How sure are we that more calls fail than may? No volume is too small: three calls that all fail are enough, in
      whichever window they fit. It ends when the newer part of the window is well again. What may fail: two to six in a
      hundred, by what is usual for the trunk.
    ||| },
  ] + [trunkRatio(window) for window in trunkWindows[1:]] + [
    alert.new(
      'CdrNerLow',
      'warning',
      '%sor\n%s' % [ineffective('1h'), ineffective('6h')],
      after=5 * minute,
      keep=20 * minute,
      annotations={
        summary: 'The network effectiveness ratio of a trunk is low.',
        headline: '%s: %s of %s %s calls do not get through' % [
          alert.trunkName,
          alert.value(['trunk_direction:cdr_calls_failed_live:increase6h', ''], alert.ofDirection),
          alert.value(['trunk_direction:cdr_calls_live:increase6h', ''], alert.ofDirection),
          '{{ $labels.direction }}',
        ],
        description:
          '%s of %s {{ or $labels.direction "directionless" }} calls of the last 6 hours on trunk %s did not get through the network (NER; 95 %% and more is usual). %s' % [
            alert.value(['trunk_direction:cdr_calls_failed_live:increase6h', ''], alert.ofDirection),
            alert.value(['trunk_direction:cdr_calls_live:increase6h', ''], alert.ofDirection),
            alert.trunkName,
            alert.remedy('1d', "the trunk's dashboard lists the causes with what to do about each."),
          ],
        leading_causes: alert.leadingCauses('1d'),
        calls_lost: alert.callsLostInDirection('CdrNerLow', 6 * hour),
        example_calls: alert.exampleCalls('1d'),
        dashboard_url: alert.dashboards.trunk,
      },
    ),
    alert.new(
      'CdrLateCallsFailed',
      'info',
      |||
        %(bound)s > %(allowed)g
        and %(faults)s > 2.5
      ||| % {
        bound: promql.lowerBound(self.faults, self.calls),
        allowed: config.allowedAtMost,
        faults: 'trunk:cdr_call_faults_late:increase1d',
        calls: 'trunk:cdr_calls_late:increase1d',
      },
      after=15 * minute,
      keep=25 * hour,
      annotations={
        summary: 'Calls that were counted late show a fault of the days before.',
        headline: alert.trunkName + ': late records show a fault that is past',
        description:
          'Of the calls of trunk ' + alert.trunkName + ' that were counted late in the last day, surely more than '
          + '{{ $value | humanizePercentage }} had failed. Remedy: look at the time of the calls themselves (cdr-exporter inspect on the '
          + 'export); if the fault went on, the other alerts say so.',
        dashboard_url: alert.dashboards.trunk,
      },
    ) { comment:: 'Yesterday, as told by late records: nobody is woken by it. It stays until the daily digest has had it.' },
  ],
}
