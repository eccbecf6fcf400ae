# For those who check rules with pint (https://cloudflare.github.io/pint/): `pint lint deploy/prometheus/*.rules.yml`.
# Checks that ask a Prometheus are up to you: add a `prometheus` block with your address.
parser {
  include = ["deploy/prometheus/.*\\.rules\\.yml"]
  schema  = "prometheus"
}

checks {
  disabled = [
    # Lookbacks are by design longer than a default retention (three weeks), and `absent` waits five minutes.
    "promql/range_query",
    # The comparison is in the recorded series that the alert shows: one is recorded only while it has something to say.
    "alerts/comparison",
    # It means sums over targets that are scraped at different times. Ours are of one exporter, which shows one commit a scrape.
    "promql/fragile",
  ]
}

rule {
  match {
    kind = "alerting"
  }
  label "severity" {
    severity = "bug"
    value    = "critical|warning|info"
    required = true
  }
  annotation "summary" {
    severity = "bug"
    required = true
  }
  annotation "headline" {
    severity = "bug"
    required = true
  }
  annotation "description" {
    severity = "bug"
    value    = "(?s).*Remedy: .*"
    required = true
  }
  annotation "runbook_url" {
    severity = "bug"
    value    = "https://.+/(runbooks|collecting)\\.md#.+"
    required = true
  }
  annotation "dashboard_url" {
    severity = "bug"
    value    = "https?://.+/d/cdr-[a-z]+.*"
    required = true
  }
  # Otherwise an alert whose value hovers about its threshold rings again and again.
  keep_firing_for {
    severity = "bug"
    min      = "5m"
  }
}

rule {
  match {
    kind = "recording"
  }
  # level:metric:operation
  name "^[a-z]+(_[a-z]+)*:cdr_[a-z_]+:[a-z]+[a-z0-9_]*$" {
    severity = "bug"
  }
}

rule {
  match {
    kind = "recording"
  }
  # What the catalogues say of a cause is for all exporters together.
  ignore {
    name = "cause:.+"
  }
  aggregate ".+" {
    comment  = "exporters may have sources of one name"
    severity = "bug"
    keep     = ["job"]
  }
}
