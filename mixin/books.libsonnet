// Whether the exporter's books balance.
function(config) {
  local promql = (import 'promql.libsonnet')(config),
  local metric = promql.metric,
  local minuteAgo = promql.d(config.minute),
  local sums = [
    [
      'read = results',
      metric('cdr_exporter_read_records_total') + ' - sum without (result) (' + metric('cdr_exporter_records_total') + ')',
    ],
    [
      'counted = calls',
      |||
        (
          (%(counted)s) + %(further)s - %(forgotten)s
          or (%(counted)s)
        ) - sum without (trunk, direction, outcome, arrival) (%(calls)s)
      ||| % {
        counted: 'sum without (result) (%s)' % metric('cdr_exporter_records_total', 'result="counted"'),
        further: metric('cdr_exporter_further_calls_total'),
        forgotten: metric('cdr_exporter_forgotten_calls_total'),
        calls: metric('cdr_calls_total'),
      },
    ],
    [
      'failed = failures by cause',
      // As both were recorded at one time, a minute ago: to read all series of failures again would cost as much as all else.
      |||
        (%(failed)s and %(counted)s)
        - (sum without (trunk, cause, microsoft_code, sip_code, arrival) (trunk_arrival_cause:cdr_call_failures:sum offset %(ago)s) or 0 * %(counted)s)
        - (%(forgotten)s or 0 * %(counted)s)
      ||| % {
        forgotten: metric('cdr_exporter_forgotten_causes_total'),
        failed: 'sum without (trunk, direction, arrival) (trunk_direction_arrival:cdr_calls_failed:sum offset %s)' % minuteAgo,
        counted: 'sum without (result) (%s)' % metric('cdr_exporter_records_total', 'result="counted"'),
        ago: minuteAgo,
      },
    ],
    [
      'rejected = rejected by reason',
      'sum without (result) (' + metric('cdr_exporter_records_total', 'result="rejected"')
      + ') - sum without (reason) (' + metric('cdr_exporter_rejected_records_total') + ')',
    ],
  ],
  record: 'source:cdr_exporter_records:unaccounted',
  comment:: |||
    Records missing from the books, in whichever of four sums is off by most; 0 is the only right value. Each scrape is one
    commit, so the sums may be compared exactly and as they stand, without rate().
  |||,
  expr: 'max without (sum) (abs(\n  %s\n))' % std.join('\n  or on (sum) ', [
    'label_replace(%s, "sum", "%s", "", "")' % [sum[1], sum[0]]
    for sum in sums
  ]),
}
