#!/usr/bin/env bash
# make demo-stack: the demo of the exporter with the Prometheus and Alertmanager installed on this machine, with our
# rules and alerts, on the loopback address. Ctrl-C ends all three. Where there is a container engine, compose brings
# Grafana as well (deploy/compose).
set -euo pipefail
cd "$(dirname "$0")/.."
exporter=${CDR_EXPORTER:-target/release/cdr-exporter}
alertmanager=$(command -v alertmanager || command -v prometheus-alertmanager) || { echo "alertmanager is not installed" >&2; exit 1; }
command -v prometheus >/dev/null || { echo "prometheus is not installed" >&2; exit 1; }
[ -x "$exporter" ] || cargo build --release

state=$(mktemp -d)
started=()
trap 'kill "${started[@]}" 2>/dev/null || true; wait; rm -rf "$state"' EXIT
trap exit INT TERM

"$exporter" demo --web.listen-address 127.0.0.1:10410 & started+=($!)
"$alertmanager" --config.file=deploy/alertmanager/alertmanager.yml --storage.path="$state/alertmanager" \
  --web.listen-address=127.0.0.1:9093 --cluster.listen-address= --log.level=warn & started+=($!)
prometheus --config.file=deploy/prometheus/prometheus.yml --storage.tsdb.path="$state/prometheus" \
  --enable-feature=exemplar-storage --web.listen-address=127.0.0.1:9090 --log.level=warn & started+=($!)

cat <<'TEXT'
exporter      http://127.0.0.1:10410/
Prometheus    http://127.0.0.1:9090/alerts
Alertmanager  http://127.0.0.1:9093/
Some three minutes after a spike began, its alert rings. The message goes to http://localhost:9095/; where nothing
listens there, Alertmanager says so, and the alert is to be seen on its page.
For the dashboards, add http://127.0.0.1:9090 to a Grafana as a data source and import dashboards/*.json.
TEXT
wait -n
