# For those who check rules with pint (https://cloudflare.github.io/pint/): `pint lint deploy/prometheus/*.rules.yml`.
# Checks that ask a Prometheus are up to you: add a `prometheus` block with your address.
parser {
  include = ["deploy/prometheus/.*\\.rules\\.yml"]
  schema  = "prometheus"
}

checks {
  # Lookbacks are by design longer than a default retention (three weeks), and `absent` waits five minutes.
  disabled = ["promql/range_query"]
}

rule {
  match {
    kind = "alerting"
  }
  annotation "summary" {
    severity = "bug"
    required = true
  }
  annotation "headline" {
    severity = "bug"
    required = true
  }
  annotation "runbook_url" {
    severity = "bug"
    value    = "https://.+/runbooks\\.md#cdr[a-z]+"
    required = true
  }
  annotation "dashboard_url" {
    severity = "bug"
    value    = "https?://.+/d/cdr-[a-z]+.*"
    required = true
  }
  label "severity" {
    severity = "bug"
    value    = "critical|warning|info"
    required = true
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
