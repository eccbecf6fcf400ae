// Rules, alerts and dashboards of cdr-exporter as a mixin. README.md says how to build it.
(import 'config.libsonnet')
+ (import 'rules.libsonnet')
+ (import 'alerts/failures.libsonnet')
+ (import 'alerts/causes.libsonnet')
+ (import 'alerts/silence.libsonnet')
+ (import 'alerts/exporter.libsonnet')
+ (import 'alerts/collect.libsonnet')
+ {
  // As often as what they look at is recorded: to ask more often finds nothing else.
  local promql = (import 'promql.libsonnet')($._config),
  local preferred = (import 'preferred.libsonnet')($._config),
  // Alerts that look at a day or more, and those of the daily digest: their texts read days of samples for each trunk that rings.
  local isSlow(alert) = alert.labels.severity == 'info' || std.member(['1d', '3d'], std.get(alert.labels, 'window', '')),
  prometheusAlerts+:: {
    groups+: [
      {
        name: 'cdr-call-alerts',
        interval: promql.d($._config.callsInterval),
        rules: [preferred.quiet(alert) for alert in $.callAlerts if !isSlow(alert)],
      },
      {
        name: 'cdr-slow-alerts',
        interval: promql.d($._config.historyInterval),
        rules: [preferred.quiet(alert) for alert in $.callAlerts if isSlow(alert)],
      },
      { name: 'cdr-exporter-alerts', rules: $.exporterAlerts },
      { name: 'cdr-collect-alerts', rules: $.collectAlerts },
    ],
  },
  grafanaDashboards+:: {
    'cdr-overview.json': import '../dashboards/overview.json',
    'cdr-trunks.json': import '../dashboards/trunks.json',
    'cdr-wall.json': import '../dashboards/wall.json',
    'cdr-trends.json': import '../dashboards/trends.json',
    'cdr-cause.json': import '../dashboards/cause.json',
    'cdr-trunk.json': import '../dashboards/trunk.json',
    'cdr-exporter.json': import '../dashboards/exporter.json',
    'cdr-runbooks.json': import '../dashboards/runbooks.json',
  },
}
