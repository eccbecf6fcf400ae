// Trunks that carry far fewer calls than they usually do at this time: the recorded state behind the alerts about silence.
function(config) {
  local promql = (import 'promql.libsonnet')(config),
  local d = promql.d,
  local day = config.day,
  local hour = config.hour,
  local windows = { '10m': d(10 * config.minute), '1h': d(hour), '6h': d(6 * hour), '1d': d(day) },
  // Of a long window: the last hour is well again, so there is no need to wait until the window has forgotten.
  local unlessBack(window) = if window == '10m' || window == '1h' then '' else
    '\n  unless trunk_direction:cdr_calls:increase1h >= 0.5 * (trunk_direction:cdr_calls:expected1h >= 20)',
  // An exporter or a Prometheus that was away for most of a window has not seen its calls. So a source must be known now and at the
  // beginning of the window; what was missing before goes on, as long as its calls do not come.
  local isKnown(window) = '%(known)s and %(known)s offset %(window)s' % { known: 'source:cdr_calls:known', window: window },
  local before(name) = 'last_over_time(%s[%s])' % [name, d(2 * hour)],
  local missingOf(window) =
    local name = 'trunk_direction:cdr_calls:missing' + window;
    {
      record: name,
      expr: |||
        (
          trunk_direction:cdr_calls:expected%(w)s > %(least)g
          unless %(upper)s >= %(part)g * trunk_direction:cdr_calls:expected%(w)s%(back)s
        )
        and ignoring (trunk, direction) source:cdr_exporter_records:increase%(w)s > 0
        unless (
          trunk_direction:cdr_calls:expected%(w)s
          unless ignoring (trunk, direction) (%(isKnown)s)
          unless %(before)s
        )
      ||| % {
        w: window,
        back: unlessBack(window),
        upper: promql.upperBoundOfCount('trunk_direction:cdr_calls:increase' + window),
        part: config.silentBelow,
        // What no calls at all are surely too few of.
        least: promql.mostOfNone / config.silentBelow,
        isKnown: isKnown(windows[window]),
        before: before(name),
      },
    },
  // More than half of the trunks that should have some calls have less than half of them.
  local quietOf(window) =
    local name = 'source:cdr_calls:quiet_trunks' + window;
    {
      record: name,
      expr: |||
        count without (trunk) (
          group without (direction) (
            trunk_direction:cdr_calls:expected%(w)s >= 4
            unless trunk_direction:cdr_calls:increase%(w)s >= 0.5 * trunk_direction:cdr_calls:expected%(w)s%(back)s
          )
        ) >= 2
        > 0.5 * count without (trunk) (group without (direction) (trunk_direction:cdr_calls:expected%(w)s >= 4))
        and group without (trunk, direction) (trunk_direction:cdr_calls:missing%(w)s)
        and (%(isKnown)s or %(before)s)
      ||| % {
        w: window,
        back: std.strReplace(unlessBack(window), '\n', '\n  '),
        isKnown: isKnown(windows[window]),
        before: before(name),
      },
    },
  rulesOf(windows):: [missingOf(window) { [if window == '10m' then 'comment']:: |||
                       Calls that a trunk and direction should have had, where it surely has less than a quarter of them: so many calls in the
                       window as a Poisson process allows at most, against the same time of earlier weeks. A source that brings nothing at all
                       says nothing about its trunks.
                     ||| } for window in windows]
                     + [quietOf(window) { [if window == '10m' then 'comment']:: |||
                       How many trunks of a source have gone quiet, if that is most of them: a holiday, or an outage of what they share.
                     ||| } for window in windows],
  decommissioned:: {
    record: 'trunk_direction:cdr_calls:decommissioned',
    comment:: |||
      Silence that rang for two working days, and still no call: taken out of service, or known to those who could mend it.
      Remembers itself, also over an outage of Prometheus, until a call comes or earlier weeks know the trunk no more.
    |||,
    expr: |||
      (
        count_over_time(
          (max without (alertname, alertstate, severity, window) (
            ALERTS{alertname="CdrTrunkSilent",alertstate="firing"}
          ))[%(days)s:%(hour)s]
        ) >= %(hours)d
        or last_over_time(trunk_direction:cdr_calls:decommissioned[%(day)s])
      )
      unless trunk_direction:cdr_calls:increase1d > 0
      unless trunk_direction:cdr_calls:increase1d offset %(day)s > 0
      and trunk_direction:cdr_calls:expected1d > 0
    ||| % { days: d(7 * day), day: d(day), hour: d(hour), hours: config.decommissionedAfterHours },
  },
}
