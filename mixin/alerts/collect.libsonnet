// Alerts about collecting from Microsoft Graph; each has its section in docs/collecting.md.
{
  local config = $._config,
  local promql = (import '../promql.libsonnet')(config),
  local alert = (import 'alert.libsonnet')(config),
  local d = promql.d,
  local metric = promql.metric,
  local minute = config.minute,
  local hour = config.hour,
  local day = config.day,
  local of = 'source {{ $labels.source }} on {{ $labels.instance }}',
  local new(name, severity, expr, after, keep, annotations) =
    alert.new(name, severity, expr, after, keep, { dashboard_url: alert.dashboards.exporter } + annotations, page=config.collectingUrl),

  collectAlerts+:: [
    new(
      'CdrCollectFeedDead',
      'critical',
      'time() - %s > %d' % [metric('cdr_collect_last_success_timestamp_seconds'), hour / config.compress],
      after=hour,
      keep=5 * minute,
      annotations={
        summary: 'No call records come from Microsoft.',
        headline: '{{ $labels.source }}: no call records come from Microsoft',
        description:
          'Nothing was fetched for ' + of + ' for an hour or more. No call is lost: it goes on where it was, as long as Microsoft keeps '
          + 'the records (150 days). Remedy: run cdr-exporter check --collect; it says in a sentence what is wrong. '
          + 'cdr_collect_failing shows it too.',
      },
    ) { comment:: |||
      Two hours without one whole look at Microsoft, or a first hour that brings none: a daemon that was down for an hour is given
      another one. The time since the last success is kept over restarts.
    ||| },
    new(
      'CdrCollectSignInFailing',
      'critical',
      'max_over_time(%s[%s]) == 1' % [metric('cdr_collect_failing', 'reason=~"sign_in|permission"'), d(5 * minute)],
      after=10 * minute,
      keep=10 * minute,
      annotations={
        summary: 'Microsoft does not let the collector in.',
        headline: '{{ $labels.source }}: Microsoft does not let the collector in',
        description:
          'For ' + of + ', {{ if eq $labels.reason "permission" }}the application may not read call records'
          + '{{ else }}Entra refuses the sign-in{{ end }}. Remedy: run cdr-exporter check --collect; it shows '
          + "Microsoft's own code and what to do about it.",
      },
    ) { comment:: 'What no waiting mends: somebody must do something in Entra or in a file.' },
    new(
      'CdrCollectCredentialEnds',
      'warning',
      '%s - time() < %d' % [metric('cdr_collect_credential_end_timestamp_seconds'), 14 * day / config.compress],
      after=hour,
      keep=hour,
      annotations={
        summary: 'The certificate or secret of the collector ends within two weeks.',
        headline: '{{ $labels.source }}: the credential for Microsoft ends in {{ $value | humanizeDuration }}',
        description:
          'The certificate or secret for ' + of + ' ends in {{ $value | humanizeDuration }} (negative is past). Remedy: make a new one '
          + 'in Entra and put it into its file; it is read anew without a restart. For a secret, change client_secret_ends too.',
      },
    ),
    new(
      'CdrCollectHistoryUnfinished',
      'warning',
      // What was last known then, so that a restart then ends nothing now. Where a state was lost or `history` raised, more is left
      // than before; while that goes down it is no standstill.
      |||
        %(left)s > 0
        and %(left)s >= %(before)s
        unless (%(left)s > %(before)s + %(day)d and %(left)s < max_over_time(%(left)s[%(hours)s]))
      ||| % {
        left: metric('cdr_collect_history_seconds'),
        before: 'last_over_time(%(left)s[%(hours)s] offset %(hours)s)' % self,
        hours: d(6 * hour),
        day: config.day,
      },
      after=15 * minute,
      keep=15 * minute,
      annotations={
        summary: 'The history of calls is not being fetched to its end.',
        headline: '{{ $labels.source }}: {{ $value | humanizeDuration }} of history are not being fetched',
        description:
          '{{ $value | humanizeDuration }} are left for ' + of + ', as much as six hours ago. Remedy: see the log for the fault; if there '
          + 'is none, the recent days take all the requests that Microsoft allows: raise every, or lower look_back.',
      },
    ) { comment:: 'Six hours in which not one more day was fetched.' },
    new(
      'CdrCollectDaysLost',
      'warning',
      // More than a day ago, or than when the exporter was last known before that: each loss is told once. All exporters together,
      // so that one that moves does not tell it again.
      |||
        max %(without)s (%(lost)s)
        - (max %(without)s (last_over_time(%(lost)s[%(week)s] offset %(day)s)) or 0 * max %(without)s (%(lost)s))
        > 0
      ||| % { without: promql.without([]), lost: metric('cdr_collect_lost_seconds'), week: d(config.week), day: d(day) },
      after=5 * minute,
      keep=hour,
      annotations={
        summary: 'Call records were lost, because Microsoft kept them no longer.',
        headline: '{{ $labels.source }}: {{ $value | humanizeDuration }} of call records are lost',
        description:
          '{{ $value | humanizeDuration }} of call records for source {{ $labels.source }} were not fetched within the 150 days for which Microsoft '
          + 'keeps them, and cannot be fetched any more; the log names the days. Remedy: find out why nothing was fetched for so long. If the SBC '
          + 'still has its own records of those days, read them as files.',
        dashboard_url: alert.dashboards.source,
      },
    ) { comment:: 'A day for each loss; nothing brings the records back.' },
    new(
      'CdrCollectRowsChanged',
      'info',
      'increase(%s[%s]) > 0' % [metric('cdr_collect_rows_total', 'result="changed"'), d(day)],
      after=5 * minute,
      keep=25 * hour,
      annotations={
        summary: 'Microsoft changed call records that were counted before.',
        headline: '{{ $labels.source }}: Microsoft changed {{ $value | printf "%.0f" }} records that were counted',
        description:
          '{{ $value | printf "%.0f" }} rows of ' + of + ' changed within a day. Each call stays counted as it first came. Remedy: compare '
          + 'the files changed-*.ndjson in the spool folder with calls-*.ndjson, and report what differs: nobody has documented '
          + 'that this happens.',
      },
    ) { comment:: 'It stays until the daily digest has had it.' },
  ],
}
