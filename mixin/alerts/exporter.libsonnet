// Alerts about the exporter and what it is fed with.
{
  local config = $._config,
  local promql = (import '../promql.libsonnet')(config),
  local alert = (import 'alert.libsonnet')(config),
  local d = promql.d,
  local metric = promql.metric,
  local preferred = (import '../preferred.libsonnet')(config),
  local minute = config.minute,
  local hour = config.hour,
  local reason(name, expr) = 'label_replace(\n' + expr + ',\n"reason", "' + name + '", "", "")',

  exporterAlerts+:: [
    alert.new(
      'CdrExporterBlind',
      'warning',
      std.join('\nor\n', [
        reason('late', preferred.unlessYielding(|||
          source:cdr_calls_late:increase1h > 2.5
          and source:cdr_calls_late:increase1h
            > (source:cdr_calls_live:increase1h or 0 * source:cdr_calls_late:increase1h)
          and source:cdr_calls_late:increase1h offset %(before)s
            > (source:cdr_calls_live:increase1h offset %(before)s or 0 * source:cdr_calls_late:increase1h offset %(before)s)
        ||| % { before: d(1.25 * hour) })),
        reason('old', preferred.unlessYielding(|||
          source:cdr_newest_call:age_seconds > 2 * source:cdr_newest_call:usual_age_seconds + %(hour)d
          and source:cdr_calls_live:increase1h > 0
        ||| % { hour: hour / config.compress })),
        reason('clock', 'source:cdr_newest_call:age_seconds < -%d' % (5 * minute / config.compress)),
      ]),
      after=5 * minute,
      keep=30 * minute,
      annotations={
        summary: 'The alerts about calls are blind, because what arrives is late.',
        headline: '{{ $labels.source }}: alerts are blind, calls arrive '
                  + '{{ if eq $labels.reason "clock" }}from the future{{ else }}too late{{ end }}',
        description:
          '{{ if eq $labels.reason "late" }}Most calls of source {{ $labels.source }} are counted as late, and alerts look at live calls only. '
          + 'Remedy: see why the export is behind, or raise live_within: of this source.'
          + '{{ else if eq $labels.reason "old" }}The newest call of source {{ $labels.source }} ended {{ $value | humanizeDuration }} ago, far '
          + 'longer than usual. Remedy: see why the export is behind.'
          + '{{ else }}The newest call of source {{ $labels.source }} ended in the future. Remedy: set the clock of the SBC or of this host.{{ end }}',
        dashboard_url: alert.dashboards.source,
      },
    ) { comment:: |||
      Most calls late, in this hour and in one a quarter of an hour before it (a bulk import is over sooner), the newest call
      older than usual while calls come, or of the future. Until then nobody else would say that alerts see nothing.
    ||| },
    alert.new(
      'CdrExporterDown',
      'critical',
      'up{%(job)s} == 0 or absent(up{%(job)s})' % { job: config.exporterSelector },
      after=5 * minute,
      keep=5 * minute,
      annotations={
        summary: 'Prometheus cannot scrape the exporter.',
        headline: '{{ or $labels.instance "no target configured" }}: the exporter does not answer',
        description:
          'The exporter {{ or $labels.instance "(no target configured)" }} has not answered for 5 minutes. No call is lost: it goes on '
          + 'where it was when it runs again. Remedy: see its log and its service, then the network.',
        dashboard_url: alert.dashboards.exporter,
      },
    ),
    alert.new(
      'CdrExporterCommitFailing',
      'critical',
      'increase(%s[%s]) > 0' % [metric('cdr_exporter_commit_failures_total'), d(5 * minute)],
      after=5 * minute,
      keep=5 * minute,
      annotations={
        summary: 'The exporter cannot write its state, so its counts stand still.',
        headline: '{{ $labels.instance }}: counts stand still, the state cannot be written',
        description:
          '{{ $value | printf "%.0f" }} commits failed in 5 minutes on {{ $labels.instance }}. Only what is committed is published, '
          + 'so no count is wrong, but none moves. Remedy: make room on the disk of the state directory and see that the '
          + 'exporter may write there; its log has the error.',
        dashboard_url: alert.dashboards.exporter,
      },
    ),
    alert.new(
      'CdrExporterLoopStalled',
      'critical',
      'changes(%s[%s]) == 0' % [metric('cdr_exporter_loop_last_turn_timestamp_seconds'), d(5 * minute)],
      after=2 * minute,
      keep=5 * minute,
      annotations={
        summary: 'The exporter answers, but reads and counts nothing.',
        headline: '{{ $labels.instance }}: the exporter stands still',
        description:
          'The loop of {{ $labels.instance }} that reads files has not turned for 5 minutes, so its counts stand still. No call is lost. '
          + 'Remedy: look for a network share or disk that does not answer, then restart the exporter; its log and /-/healthy say more.',
        dashboard_url: alert.dashboards.exporter,
      },
    ) { comment:: 'It turns once a second even when there is nothing to do. Clocks that differ do not matter.' },
    alert.new(
      'CdrExporterFallingBehind',
      'warning',
      |||
        min_over_time(%(pending)s[%(window)s]) > 2^20
        and deriv(%(pending)s[%(window)s]) >= 0
      ||| % { pending: metric('cdr_exporter_pending_bytes'), window: d(15 * minute) },
      after=10 * minute,
      keep=10 * minute,
      annotations={
        summary: 'Records arrive faster than the exporter counts them.',
        headline: '{{ $labels.source }}: the exporter is {{ $value | humanize1024 }}B behind',
        description:
          'Source {{ $labels.source }} on {{ $labels.instance }} has been {{ $value | humanize1024 }}B behind for 15 minutes and does not '
          + 'catch up. Remedy: look for a slow disk or network share, a file that is never finished, and failing commits; '
          + 'then for a lack of CPU.',
        dashboard_url: alert.dashboards.exporter,
      },
    ) { comment:: 'A large import shrinks; the unfinished record at the end of a file is small.' },
    alert.new(
      'CdrExporterRejectingRecords',
      'warning',
      |||
        sum without (reason) (increase(%(rejected)s[%(window)s])) >= 10
        and
        sum without (reason) (increase(%(rejected)s[%(window)s]))
          > 0.01 * sum without (result) (increase(%(records)s[%(window)s]))
      ||| % {
        rejected: metric('cdr_exporter_rejected_records_total'),
        records: metric('cdr_exporter_records_total'),
        window: d(30 * minute),
      },
      after=5 * minute,
      keep=30 * minute,
      annotations={
        summary: 'The exporter cannot read part of the records.',
        headline: '{{ $labels.source }}: {{ $value | printf "%.0f" }} records could not be read',
        description:
          '{{ $value | printf "%.0f" }} records in 30 minutes of source {{ $labels.source }} on {{ $labels.instance }} could not be read, over '
          + '1 % of all. Remedy: run cdr-exporter check on a recent file; it names the reasons.',
        dashboard_url: alert.dashboards.exporter,
      },
    ),
    alert.new(
      'CdrExporterNoRecords',
      'warning',
      std.join('\nor ', [
        '(source:cdr_exporter_records:increase%(w)s == 0 and source:cdr_exporter_records:expected%(w)s >= 20)' % { w: window }
        for window in ['1h', '6h', '1d']
      ]) + |||

        or sum %(without)s (%(records)s) == 0
          and sum %(without)s (%(records)s offset %(day)s) == 0
      ||| % { without: promql.without(['result']), records: metric('cdr_exporter_records_total'), day: d(config.day) },
      after=30 * minute,
      keep=20 * minute,
      annotations={
        summary: 'No record arrives from a source.',
        headline: '{{ $labels.source }}: no record arrives',
        description:
          'Source {{ $labels.source }} has brought no record for over an hour, though at this time it should, or has never brought '
          + 'one. Remedy: see whether the export still writes files and whether the paths in the configuration match them '
          + '(cdr-exporter check). If it does and they do, no calls are being made at all.',
        dashboard_url: alert.dashboards.source,
      },
    ) { comment:: |||
      Silent at a time when earlier weeks had 20 records, or since the exporter first ran a day ago: the first export may be
      one of the night, and an office has no calls before it opens.
    ||| },
    alert.new(
      'CdrExporterFilesNotRead',
      'warning',
      metric('cdr_exporter_files', 'state=~"unreadable|unrecognised"') + ' > 0',
      after=15 * minute,
      keep=5 * minute,
      annotations={
        summary: 'The exporter leaves files unread.',
        headline: '{{ $labels.source }}: {{ $value | printf "%.0f" }} files are {{ $labels.state }}',
        description:
          '{{ $value | printf "%.0f" }} files of source {{ $labels.source }} on {{ $labels.instance }} are {{ $labels.state }}; their calls are '
          + 'not counted. Remedy: run cdr-exporter check on them; correct the permissions, or exclude what holds no calls.',
        dashboard_url: alert.dashboards.exporter,
      },
    ) { comment:: 'Long enough for a file that is still being written to show what it is.' },
    alert.new(
      'CdrExporterSourceDown',
      'warning',
      metric('cdr_exporter_source_up') + ' == 0',
      after=5 * minute,
      keep=5 * minute,
      annotations={
        summary: 'The folders of a source do not answer.',
        headline: '{{ $labels.source }}: its folders do not answer',
        description:
          'The system does not answer when {{ $labels.instance }} asks for the folders of source {{ $labels.source }}; its calls are not counted '
          + 'meanwhile, those of other sources are. Remedy: see whether the drive is mounted and its server runs; what was written is read '
          + 'once it answers.',
        dashboard_url: alert.dashboards.exporter,
      },
    ) { comment:: 'Longer than a server takes to start again.' },
    alert.new(
      'CdrExporterUnbalanced',
      'warning',
      'source:cdr_exporter_records:unaccounted > 0',
      after=5 * minute,
      keep=5 * minute,
      annotations={
        summary: "The exporter's books do not balance.",
        headline: '{{ $labels.source }}: {{ $value | printf "%.0f" }} records are missing or counted twice',
        description:
          '{{ $value | printf "%.0f" }} records of source {{ $labels.source }} on {{ $labels.instance }} are missing from the counts or in them '
          + 'twice. Remedy: this is a fault of the exporter; keep its log, state and version, and report it.',
        dashboard_url: alert.dashboards.exporter,
      },
    ),
    alert.new(
      'CdrExporterConfigReloadFailed',
      'warning',
      'max_over_time(%s[%s]) == 0' % [metric('cdr_exporter_config_last_reload_successful'), d(5 * minute)],
      after=5 * minute,
      keep=5 * minute,
      annotations={
        summary: 'The exporter refused its changed configuration.',
        headline: '{{ $labels.instance }}: the changed configuration was refused',
        description:
          '{{ $labels.instance }} runs on with its last good configuration. Remedy: run cdr-exporter check --config.file on the '
          + 'new one; it names the line.',
        dashboard_url: alert.dashboards.exporter,
      },
    ),
    alert.new(
      'CdrExporterSeriesOverflow',
      'warning',
      'increase(%s[%s]) > 0' % [metric('cdr_exporter_series_overflow_total'), d(hour)],
      after=5 * minute,
      keep=hour,
      annotations={
        summary: 'Calls of further trunks are counted under "other".',
        headline: '{{ $labels.source }}: a limit is reached, calls are counted under "other"',
        description:
          'Source {{ $labels.source }} on {{ $labels.instance }} reached a limit; {{ $value | printf "%.0f" }} calls of the last hour went '
          + 'to "other". Remedy: find out why there are so many trunks or code pairs, then raise limits: in the configuration.',
        dashboard_url: alert.dashboards.exporter,
      },
    ),
  ],
}
