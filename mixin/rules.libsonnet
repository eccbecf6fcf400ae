// Recording rules. Names are level:metric:operation; the level says which of our labels are left beside the target's own.
// `live` in a metric's name means arrival="live": a backlog, a late export or a bulk import is not news.
{
  local config = $._config,
  local promql = (import 'promql.libsonnet')(config),
  local d = promql.d,
  local metric = promql.metric,
  local without = promql.without,
  local minute = config.minute,
  local hour = config.hour,
  local day = config.day,
  local preferred = (import 'preferred.libsonnet')(config),
  local silence = (import 'silence.libsonnet')(config),
  local live = 'arrival="live"',
  local counted = 'trunk_direction_arrival:cdr_calls',
  local failures = 'trunk_arrival_cause:cdr_call_failures:sum',
  local faults = 'trunk_arrival:cdr_call_faults',
  local failed = 'trunk_direction_arrival:cdr_calls_failed',
  local fast = [['10m', 10 * minute], ['1h', hour]],
  local slow = [['6h', 6 * hour], ['1d', day]],
  local ofCauses = 'trunk_cause:cdr_call_failures_live',
  local ofAll = 'source_cause:cdr_call_failures_live',
  local pair = 'cause, microsoft_code, sip_code',
  local continued = 'source:cdr_calls:continued',
  local bornCauses = 'trunk_arrival_cause:cdr_call_failures:born',
  local tenMinutes = '[%s]' % promql.andAMillisecond(10 * minute),
  local ofCause = 'ignoring (cause, microsoft_code, sip_code) group_left ()',
  local daysBefore = [day, 2 * day, config.week, 2 * config.week, 3 * config.week],

  // Calls of each trunk, direction and arrival: the samples of a window are read once, and then added up.
  local callsOf(window) = [
    { record: counted + ':increase' + window[0], expr: promql.increase(counted, '', window[1], []) },
    {
      record: 'trunk_direction:cdr_calls:increase' + window[0],
      [if window[0] == '10m' then 'comment']:: |||
        Late ones too: what silence is measured by. A bulk import hides it for a while.
      |||,
      expr: 'sum without (arrival) (%s:increase%s)' % [counted, window[0]],
    },
  ],
  // Live calls and faults of each trunk: the evidence for a failure rate.
  local evidenceOf(window) = [
    {
      record: 'trunk:cdr_calls_live:increase' + window[0],
      expr: 'sum without (direction, arrival) (%s:increase%s{%s})' % [counted, window[0], live],
    },
    {
      record: 'trunk:cdr_call_faults_live:increase' + window[0],
      expr: promql.increase(faults, live, window[1], ['arrival']),
    },
  ],
  // Three days from their days: their samples are too many to read each time.
  local evidenceOfDays = [
    { record: 'trunk:%s:increase3d' % name, expr: promql.sumOfParts('trunk:%s:increase1d' % name, day, 3 * day) }
    for name in ['cdr_calls_live', 'cdr_call_faults_live']
  ],
  // Live calls of each trunk and direction, and those that failed, whoever's doing it was.
  local effectivenessOf(window) = [
    {
      record: 'trunk_direction:cdr_calls_live:increase' + window[0],
      expr: 'sum without (arrival) (%s:increase%s{%s})' % [counted, window[0], live],
    },
    {
      record: 'trunk_direction:cdr_calls_failed_live:increase' + window[0],
      expr: promql.increase(failed, live, window[1], ['arrival']),
    },
  ],
  // The counters again, and what increase() does not see of them, at the times of the long windows: a day of them has a
  // quarter of the samples.
  local sparse(name) = [
    { record: name + ':sparse_sum', expr: name + ':sum' },
    { record: name + ':sparse_born', expr: '%s:sum and %s:born' % [name, name] },
  ],
  local recordsOf(window) = {
    record: 'source:cdr_exporter_records:increase' + window[0],
    expr: 'sum %s (increase(%s[%s]))' % [without(['result']), metric('cdr_exporter_records_total'), d(window[1])],
  },
  // What is usual at this time: the least from an hour before to an hour after, so that opening hours and a change of the
  // clocks raise nothing, and the median of three weeks, so that a fault of last week is not taken for usual.
  local expectedOf(level, name, window) = {
    record: '%s:%s:expected%s' % [level, name, window],
    expr: promql.median(
      function(offset) 'min_over_time(%s:%s:increase%s[%s] offset %s)' % [level, name, window, d(2 * hour), offset],
      [week * config.week - hour for week in [1, 2, 3]],
    ),
  },
  // The share on a day: the median of days before, of those that Prometheus knows and that had some calls. A trunk that has been
  // there for a few hours has no day yet: of its first calls none need have failed.
  local usualOf(level) = [
    {
      record: level + ':cdr_call_faults_live_per_attempt:ratio_increase1d',
      expr: '%(level)s:cdr_call_faults_live:increase1d / (%(level)s:cdr_calls_live:increase1d >= 20)\nand %(level)s:cdr_calls_live:increase1d offset %(before)s >= 0'
            % { level: level, before: d(day / 2) },
    },
    {
      record: level + ':cdr_call_faults_live_per_attempt:usual',
      expr: promql.median(
        function(offset) level + ':cdr_call_faults_live_per_attempt:ratio_increase1d offset ' + offset,
        daysBefore,
      ),
    },
  ],
  // Counters that were not there in the hour before, while those of their source were.
  local bornOf(name, labels) = |||
    (%(sum)s unless count_over_time(%(sum)s[%(hour)s] offset %(recent)s))
    and ignoring (%(labels)s) %(continued)s
  ||| % { sum: name + ':sum', labels: labels, hour: d(hour), recent: d(5 * minute), continued: continued },
  local boundOf(level, window, some='cdr_call_faults_live', all='cdr_calls_live') = {
    record: '%s:%s_per_attempt:lower_bound%s' % [level, some, window],
    expr: promql.lowerBound('%s:%s:increase%s' % [level, some, window], '%s:%s:increase%s' % [level, all, window]),
  },
  // The share that they surely are at most: for alerts that end when the newer part of their window is well again.
  local mostOf(window) = {
    record: 'trunk:cdr_call_faults_live_per_attempt:upper_bound' + window,
    expr: promql.upperBound('trunk:cdr_call_faults_live:increase' + window, 'trunk:cdr_calls_live:increase' + window),
  },
  // How many trunks of a source fail, where that is more than half of those that have calls.
  local failingOf(window) = {
    record: 'source:cdr_call_faults_live:failing_trunks' + window,
    expr: |||
      (count without (trunk) (%(faults)s > %(least)g * %(calls)s) >= 2)
        > 0.5 * count without (trunk) (%(calls)s > 0)
    ||| % {
      least: config.allowedAtLeast,
      faults: 'trunk:cdr_call_faults_live:increase' + window,
      calls: 'trunk:cdr_calls_live:increase' + window,
    },
  },
  // The same for causes of which there are so many calls that they may ring: a bound is below the share that it is of.
  local boundOfCause(window) =
    local some = '%s:many%s' % [ofCauses, window];
    [
      {
        record: some,
        expr: '(%s:increase%s >= 5) > %s (%g * trunk:cdr_calls_live:increase%s)'
              % [ofCauses, window, ofCause, config.spikeAtLeast.warning, window],
      },
      {
        record: '%s_per_attempt:lower_bound%s' % [ofCauses, window],
        expr: promql.lowerBound(some, '(0 * %s + %s trunk:cdr_calls_live:increase%s)' % [some, ofCause, window]),
      },
    ],
  local sumOfTrunks(window, worst=true) = [
    { record: 'source:%s:increase%s' % [name, window], expr: 'sum without (trunk) (trunk:%s:increase%s)' % [name, window] }
    for name in ['cdr_calls_live', 'cdr_call_faults_live']
  ] + if !worst then [] else [{
    record: 'source:cdr_call_faults_but_worst_live:increase' + window,
    expr: 'source:%(faults)s - max without (trunk) (trunk:%(faults)s)' % { faults: 'cdr_call_faults_live:increase' + window },
  }],

  // How high the share of faults surely is at least: for each trunk, for all trunks of a source together, and
  // (whoever's doing it was) for each direction. Few calls need a longer window to be sure of anything.
  local ratiosOf(window) =
    [boundOf('trunk', window)]
    + (if window != '3d' then [mostOf(window)] else [])
    + (if std.member(['10m', '1h', '6h'], window) then sumOfTrunks(window) + [boundOf('source', window), failingOf(window)] else [])
    + (if std.member(['1h', '6h'], window) then [boundOf('trunk_direction', window, 'cdr_calls_failed_live')] else []),

  // Causes that have many calls, and what is known of them.
  local causesOfTheHour = [
    {
      record: ofCauses + ':increase1h',
      comment:: 'The six ten minutes of the hour: whole numbers, and complete from the first call on.',
      expr: promql.sumOfParts(ofCauses + ':increase10m', 10 * minute, hour),
    },
    { record: ofAll + ':increase1h', expr: 'sum without (trunk) (%s:increase1h)' % ofCauses },
    {
      record: 'cause:cdr_cause_info:one',
      comment:: |||
        What the catalogues say of a cause, and what is to be said of one that they do not know. While exporters of two
        versions disagree, the majority is right.
      |||,
      expr: |||
        group by (%(pair)s, category, side, remedy) (
          topk by (%(pair)s) (1, count by (%(pair)s, category, side, remedy) (%(info)s))
        )
        or
        label_replace(label_replace(label_replace(label_replace(label_replace(
          group by (%(pair)s) (source_cause:cdr_call_failures_live:increase1h)
            unless on (%(pair)s) %(info)s,
          "side", "unlisted", "", ""),
          "side", "sbc", "cause", "SBC refused.*"),
          "category", "unlisted", "", ""),
          "category", "sbc_rejected", "cause", "SBC refused.*"),
          "remedy", "Not in the catalogue: look up the code pair, then add it under causes: in the configuration.", "", "")
      ||| % { pair: pair, info: metric('cdr_cause_info') },
    },
  ],

  prometheusRules+:: {
    groups+: [
      {
        name: 'cdr-calls',
        interval: d(config.callsInterval),
        comment:: |||
          Counters of each exporter with fewer labels, so that long windows are cheap, and what the last ten minutes and the last
          hour show. Adding up before increase() is right here, because all counters of one exporter are of one commit and of one
          scrape: they go and come together. One group, so that each rule sees what those before it found just now.
        |||,
        rules: [
                 {
                   record: counted + ':sum',
                   comment:: 'Attempts: every call but those that another leg took.',
                   expr: 'sum without (outcome) (%s)' % metric('cdr_calls_total', 'outcome!="elsewhere"'),
                 },
                 {
                   record: failed + ':sum',
                   expr: 'sum without (outcome) (%s) or 0 * %s:sum' % [metric('cdr_calls_total', 'outcome="failed"'), counted],
                 },
                 {
                   record: failures,
                   comment:: |||
                     Causes that ever came up; most series of the exporter are 0. To read them all is most of what the rules cost, so
                     this is the one rule that does it each time.
                   |||,
                   expr: 'sum without (direction) (%s > 0)' % metric('cdr_call_failures_total'),
                 },
                 {
                   record: faults + ':sum',
                   comment:: 'Faults: failed calls that are not the doing of the people on the line.',
                   expr: |||
                     sum without (cause, microsoft_code, sip_code) (
                       %s
                       unless on (cause, microsoft_code, sip_code) %s
                     )
                     or 0 * sum without (direction) (%s:sum)
                   ||| % [failures, metric('cdr_cause_info', 'side="user"'), counted],
                 },
                 {
                   record: 'source_arrival:cdr_calls:sum',
                   expr: 'sum without (trunk, direction) (%s:sum)' % counted,
                 },
                 {
                   record: 'source:cdr_calls:known',
                   comment:: 'Sources of which calls are known now: silence is nothing that can be seen while they are not.',
                   expr: 'group %s (source_arrival:cdr_calls:sum)' % without(['arrival']),
                 },
                 {
                   record: continued,
                   comment:: |||
                     Exporters whose counts of ten minutes ago are known and have not fallen: behind one that lost its state, what is read anew
                     is not new.
                   |||,
                   expr: |||
                     group without (arrival) (source_arrival:cdr_calls:sum offset %(ago)s)
                     unless (
                       sum without (arrival) (source_arrival:cdr_calls:sum{%(live)s} offset %(ago)s)
                       > (sum without (arrival) (source_arrival:cdr_calls:sum{%(live)s}) or 0 * group without (arrival) (source_arrival:cdr_calls:sum offset %(ago)s))
                     )
                   ||| % { live: live, ago: d(10 * minute) },
                 },
                 {
                   record: counted + ':born',
                   comment:: |||
                     A trunk that begins while its source is known to us: its first calls, which increase() does not see. Not on a
                     fresh install, nor after an outage of Prometheus, nor behind a moved exporter: there the source is new, too. Nor
                     behind one that lost its state.
                   |||,
                   expr: bornOf(counted, 'trunk, direction, arrival'),
                 },
                 { record: failed + ':born', expr: '%s:sum and %s:born' % [failed, counted] },
                 { record: faults + ':born', expr: bornOf(faults, 'trunk, arrival') },
                 {
                   record: bornCauses,
                   comment:: |||
                     Causes that have not been there for as long as their trunk, in the last ten minutes: both were recorded at the same times,
                     and an outage takes as much from the one as from the other.
                   |||,
                   expr: |||
                     count_over_time(%(sum)s{%(live)s}%(window)s)
                       < ignoring (%(pair)s) group_left () count_over_time(%(faults)s:sum%(window)s)
                   ||| % { sum: failures, live: live, faults: faults, pair: pair, window: tenMinutes },
                 },
                 {
                   record: ofCauses + ':increase10m',
                   comment:: |||
                     Live failures of each trunk and cause; only those that there are, so that the rest costs nothing. Whole numbers: the
                     counters were recorded at just these times, also ten minutes ago, which is in a window that is a millisecond longer; so
                     increase() has but that one to guess. Of a cause that is new all calls count. `and on ()` costs nothing where
                     none is.
                   |||,
                   expr: |||
                     sum %(without)s (
                       (%(sum)s and on () group(%(born)s)) and %(born)s
                       or
                       round(increase(%(sum)s%(window)s) > 0) > 0
                     )
                   ||| % { without: without(['arrival']), sum: '%s{%s}' % [failures, live], born: bornCauses, window: tenMinutes },
                 },
               ] + std.flattenArrays([callsOf(window) + evidenceOf(window) for window in fast])
               + effectivenessOf(['1h', hour])
               + causesOfTheHour
               + std.flattenArrays([ratiosOf(window) for window in ['10m', '1h']])
               + [{
                 record: 'source:cdr_calls_late:increase1h',
                 expr: 'sum without (trunk, direction, arrival) (%s:increase1h{arrival="late"})' % counted,
               }]
               + std.flattenArrays([boundOfCause(window) for window in ['10m', '1h']])
               + [{
                 record: ofCauses + '_per_attempt:lower_bound',
                 comment:: 'Of the window that shows it more surely: what several alerts look at.',
                 expr: '%(name)s10m > %(name)s1h or %(name)s1h or %(name)s10m' % { name: ofCauses + '_per_attempt:lower_bound' },
               }]
               + preferred.rules,
      },
      {
        name: 'cdr-history',
        interval: d(config.historyInterval),
        comment:: 'Long windows and what is usual: slow to change, so less often.',
        rules: std.flattenArrays([sparse(name) for name in [counted, failed, faults]])
               + std.flattenArrays([callsOf(window) + evidenceOf(window) for window in slow])
               + evidenceOfDays
               + [
                 {
                   record: 'trunk:cdr_calls_late:increase1d',
                   expr: 'sum without (direction, arrival) (%s:increase1d{arrival="late"})' % counted,
                 },
                 {
                   record: 'trunk:cdr_call_faults_late:increase1d',
                   expr: promql.increase(faults, 'arrival="late"', day, ['arrival']),
                 },
               ]
               + effectivenessOf(slow[0])
               + sumOfTrunks('1d', worst=false)
               + std.flattenArrays([ratiosOf(window) for window in ['6h', '1d', '3d']])
               + usualOf('trunk') + usualOf('source')
               + [recordsOf(window) for window in fast + slow]
               + [expectedOf('trunk_direction', 'cdr_calls', window) for window in ['10m', '1h', '6h', '1d']]
               + [expectedOf('source', 'cdr_exporter_records', window) for window in ['1h', '6h', '1d']]
               + [
                 {
                   record: 'source:cdr_newest_call:age_seconds',
                   expr: 'time() - max %s (%s)' % [without([]), metric('cdr_newest_call_timestamp_seconds')],
                 },
                 {
                   record: 'source:cdr_newest_call:usual_age_seconds',
                   expr: promql.median(
                     function(offset) 'max_over_time(source:cdr_newest_call:age_seconds[%s] offset %s)' % [d(2 * hour), offset],
                     [week * config.week - hour for week in [1, 2, 3]],
                   ),
                 },
               ]
               + silence.rulesOf(['1h', '6h', '1d']) + [silence.decommissioned],
      },
      {
        name: 'cdr-ratios',
        interval: d(config.callsInterval),
        comment:: 'Calls of the last ten minutes against what is usual: those that do not come.',
        rules: silence.rulesOf(['10m']),
      },
      {
        name: 'cdr-usual',
        interval: d(config.usualInterval),
        comment:: 'Causes on a day and on earlier days: many series, which change slowest of all.',
        rules: [
          {
            record: ofCauses + ':increase1d',
            comment:: 'The ten minutes of the day, up to ten of which are not in it yet; or else the last hour.',
            expr: |||
              sum_over_time(%(name)s:increase10m[%(day)s:%(step)s]) or %(name)s:increase1h
            ||| % { name: ofCauses, day: d(day - minute), step: d(10 * minute) },
          },
          { record: ofAll + ':increase1d', expr: 'sum without (trunk) (%s:increase1d)' % ofCauses },
          {
            record: ofCauses + ':leading1d',
            comment:: 'What messages say of each trunk: to find it for one alert after the other would take longer than all rules.',
            expr: 'topk by (%s) (3, %s:increase1d)' % [std.join(', ', config.targetLabels + ['source', 'trunk']), ofCauses],
          },
          {
            record: ofCauses + '_per_attempt:ratio_increase1d',
            comment:: |||
              Of causes that came up more than now and then. The share of most is less than a spike is compared with, and as good
              as none.
            |||,
            expr: '(%s:increase1d > 2) / %s (trunk:cdr_calls_live:increase1d >= 20) > %g'
                  % [ofCauses, ofCause, config.spikeAtLeast.warning / config.spikeFactor / 2],
          },
          {
            record: ofCauses + ':often1h',
            comment:: 'Causes that come up often enough to ring, or nearly; each with 0, which is their share on a day without them.',
            expr: '0 * ((%s:increase1h > 2) > %s (%g * trunk:cdr_calls_live:increase1h))'
                  % [ofCauses, ofCause, config.spikeAtLeast.warning / 2],
          },
          {
            record: ofCauses + '_per_attempt:usual',
            comment:: |||
              The share of this cause on a day: the median of earlier days on which
              the trunk had some calls. On a fresh install the hours so far are all that there is.
            |||,
            expr: promql.median(
              function(offset) |||
                (
                    %(name)s_per_attempt:ratio_increase1d offset %(offset)s
                    or %(often)s and %(ofTrunk)s (trunk:cdr_calls_live:increase1d offset %(offset)s >= 20)
                  )
              ||| % {
                offset: offset,
                name: ofCauses,
                often: ofCauses + ':often1h',
                ofTrunk: 'ignoring (%s)' % pair,
              },
              [hour, day, 2 * day, config.week, 2 * config.week],
            ) + '\nand ' + ofCauses + ':often1h',
          },
        ],
      },
      {
        name: 'cdr-exporter',
        interval: d(config.usualInterval),
        comment:: "The exporter's own books.",
        rules: [(import 'books.libsonnet')(config)],
      },
    ],
  },
}
