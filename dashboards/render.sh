#!/usr/bin/env bash
# render.sh RENDERER FOLDER [TRUNKS [THEME]]: draws the four dashboards over an hour of sample traffic into FOLDER and
# fails when a panel has an error or no data. RENDERER is a program that takes DASHBOARD.json PROMETHEUS-URL OUT.png
# QUERY. Needs prometheus and promtool.
set -euo pipefail
renderer=$(realpath "$1"); mkdir -p "$2"; out=$(realpath "$2"); trunks=${3:-5}; theme=${4:-dark}
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap '[ -z "${server:-}" ] || kill "$server"; wait; rm -rf "$work"' EXIT

cargo xtask traffic "$trunks" > "$work/traffic.txt"
promtool tsdb create-blocks-from openmetrics "$work/traffic.txt" "$work/data" > "$work/promtool.log"
echo 'global: {scrape_interval: 30s}' > "$work/prometheus.yml"
prometheus --config.file="$work/prometheus.yml" --storage.tsdb.path="$work/data" --storage.tsdb.retention.time=30d \
  --web.listen-address=127.0.0.1:0 2> "$work/log" & server=$!
until address=$(sed -n 's/.*Listening on.*address=//p' "$work/log") && [ -n "$address" ]; do kill -0 "$server"; sleep 0.1; done
until curl -fs "http://$address/-/ready" > "$work/ready"; do kill -0 "$server"; sleep 0.1; done

failed=0
for dashboard in overview:1900 cause:1150 trunk:2000 exporter:1900; do
  name=${dashboard%:*}
  GRAFANA_RENDER_HEIGHT=${dashboard#*:} "$renderer" "dashboards/$name.json" "http://$address" "$out/$name.png" \
    "from=now-1h&to=now&scrape=30s&theme=$theme" || failed=1
done
exit "$failed"
