// Whether the exporter's books balance.
function(config) {
  local metric = (import 'promql.libsonnet')(config).metric,
  local sums = [
    [
      'read = results',
      metric('cdr_exporter_read_records_total') + ' - sum without (result) (' + metric('cdr_exporter_records_total') + ')',
    ],
    [
      'counted = calls',
      'sum without (result) (' + metric('cdr_exporter_records_total', 'result="counted"')
      + ') - sum without (trunk, direction, outcome, arrival) (' + metric('cdr_calls_total') + ')',
    ],
    [
      'failed = failures by cause',
      'sum without (trunk, direction, outcome, arrival) (' + metric('cdr_calls_total', 'outcome="failed"')
      + ') - sum without (trunk, direction, cause, microsoft_code, sip_code, arrival) ('
      + metric('cdr_call_failures_total') + ')',
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
  expr: 'max without (sum) (abs(\n  %s\n))' % std.join('\n  or ', [
    'label_replace(%s, "sum", "%s", "", "")' % [sum[1], sum[0]]
    for sum in sums
  ]),
}
