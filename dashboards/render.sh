#!/usr/bin/env bash
# render.sh RENDERER FOLDER [TRUNKS [HOURS [THEME [no-rules]]]]: draws the dashboards over sample traffic with an outage into
# FOLDER (5 trunks, 6 hours, dark, with rules loaded) and fails when a panel has an error or no data. RENDERER is a
# program that takes DASHBOARD.json PROMETHEUS-URL OUT.png QUERY. Needs prometheus, promtool and jq.
set -euo pipefail
renderer=$(realpath "$1"); mkdir -p "$2"; out=$(realpath "$2"); trunks=${3:-5} hours=${4:-6} theme=${5:-dark} rules=${6:-}
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap '[ -z "${server:-}" ] || kill "$server"; wait; rm -rf "$work"' EXIT

# shellcheck disable=SC2086 # nothing or one word
cargo xtask traffic "$trunks" "$hours" $rules > "$work/traffic.txt"
# Large blocks: for each one promtool reads all of the text.
promtool tsdb create-blocks-from openmetrics --max-block-duration=1440h "$work/traffic.txt" "$work/data" > "$work/promtool.log"
# The first two samples of a series tell how far samples are apart.
interval=$(awk '/^up\{/ { if (seen++) { print $NF - before; exit } before = $NF }' "$work/traffic.txt")
echo "global: {scrape_interval: ${interval}s}" > "$work/prometheus.yml"
prometheus --config.file="$work/prometheus.yml" --storage.tsdb.path="$work/data" --storage.tsdb.retention.time=60d \
  --query.lookback-delta="$((interval + 300))s" --web.listen-address=127.0.0.1:0 2> "$work/log" & server=$!
until address=$(sed -n 's/.*Listening on.*address=//p' "$work/log") && [ -n "$address" ]; do kill -0 "$server"; sleep 0.1; done
until curl -fs "http://$address/-/ready" > "$work/ready"; do kill -0 "$server"; sleep 0.1; done

failed=0
# As high as all of its panels: Chromium leaves out rows of tables that are below the window.
height_of() { jq '([.panels[].gridPos | .y + .h] | max) * 38 + 200' "dashboards/$1.json"; }
for name in overview trunks wall trends cause trunk exporter runbooks; do
  GRAFANA_RENDER_HEIGHT=$(height_of "$name") "$renderer" "dashboards/$name.json" "http://$address" "$out/$name.png" \
    "from=now-${hours}h&to=now&scrape=${interval}s&theme=$theme" || failed=1
done
exit "$failed"
