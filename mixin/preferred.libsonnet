// Sources that alerts leave out, because the config of the exporter has another one preferred to them: `prefer: sbc`.
//
// The same calls stand in both, so both would ring. The preferred one is alive as long as it has live calls, and no call
// of the other is much newer than its newest: when its feed dies, or calls do not reach it any more, the other rings.
function(config) {
  local promql = (import 'promql.libsonnet')(config),
  local d = promql.d,
  local on(labels) = 'on (%s)' % std.join(', ', config.targetLabels + labels),
  local pair = ['cause', 'microsoft_code', 'sip_code'],
  local yielding = 'source:cdr_call_alerts:yielding',
  local told = 'source_cause:cdr_call_alerts:told',
  // A scrape that is missing rings nothing.
  local last(name, matchers='') = 'max %s (last_over_time(%s[%s]))' % [
    promql.without([]),
    promql.metric(name, matchers),
    d(10 * config.minute),
  ],
  local newest = last('cdr_newest_call_timestamp_seconds'),
  local asPreferred(expr) = 'label_replace(%s, "prefer", "$1", "source", "(.+)")' % expr,
  local inADay(name, where='') = '(%s:increase1h > 0%s or %s:increase1d > 0%s)' % [name, where, name, where],
  local unlessIn(expr, name, labels) = '(\n%s\n)\nunless %s %s' % [std.rstripChars(expr, '\n'), on(labels), name],

  rules:: [
    {
      record: yielding,
      comment:: 'Sources that leave their alerts to the one that is preferred, with the time of its newest call.',
      expr: |||
        (
          %(info)s
          and %(preferred)s %(live)s
        )
        * %(preferred)s group_left () %(theirs)s
        >= %(own)s group_left () (%(newest)s - %(behind)d)
      ||| % {
        info: last('cdr_exporter_source_info', 'prefer!=""'),
        preferred: on(['prefer']),
        own: on(['source']),
        live: asPreferred(inADay('source:cdr_calls_live')),
        theirs: asPreferred(newest),
        newest: newest,
        behind: config.preferredBehind / config.compress,
      },
    },
    {
      record: told,
      comment:: 'Their causes that the preferred source has had, too: it can tell of them.',
      expr: |||
        group by (%(labels)s) (
          source_cause:cdr_call_failures_live:increase1h * %(own)s group_left (prefer) (%(yielding)s ^ 0)
        )
        and %(preferred)s %(theirs)s
      ||| % {
        labels: std.join(', ', config.targetLabels + ['source', 'prefer'] + pair),
        own: on(['source']),
        preferred: on(['prefer'] + pair),
        theirs: asPreferred(inADay('source_cause:cdr_call_failures_live', ' and on () ' + yielding)),
        yielding: yielding,
      },
    },
  ],

  // What alerts of these sources are about, unless they leave it to another.
  unlessYielding(expr):: if config.yieldToPreferred then unlessIn(expr, yielding, ['source']) else expr,

  // An alert about calls. Nobody is woken by a mere information, and what it tells is Microsoft's alone. A single cause
  // rings where the preferred source cannot know it: a call that Microsoft never brought to the SBC.
  quiet(alert)::
    local expr = if std.objectHasAll(alert, 'ofCause') then unlessIn(alert.expr, told, ['source'] + pair)
    else self.unlessYielding(alert.expr);
    if config.yieldToPreferred && alert.labels.severity != 'info' then alert { expr: expr } else alert,
}
