//! deploy/alerting asks for metrics that exist.

use std::collections::BTreeSet;

use super::read;

/// Every word that begins as a metric of ours does.
fn metrics(text: &str) -> BTreeSet<String> {
    text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
        .filter(|word| word.starts_with("hats_") && word.len() > "hats_".len())
        .map(str::to_owned)
        .collect()
}

#[test]
fn dashboard_and_rules_ask_for_metrics_that_hatsd_or_mtail_has() {
    let mut there = metrics(&read("deploy/alerting/hats.mtail"));
    for path in ["src/metrics/src/cluster.rs", "src/metrics/src/local.rs"] {
        there.extend(metrics(&read(path)));
    }
    for path in [
        "deploy/alerting/grafana-dashboard.json",
        "deploy/alerting/hats-state.rules.yml",
        "deploy/alerting/hats-events.rules.yml",
    ] {
        let asked = metrics(&read(path));
        assert!(!asked.is_empty(), "{path} asks for nothing");
        let unknown: Vec<&String> = asked.difference(&there).collect();
        assert!(unknown.is_empty(), "{path} asks for what nobody has: {unknown:?}");
    }
}
