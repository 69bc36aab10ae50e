//! Alert rules for the log: one for each event that someone has to look at.
//!
//! A fault that another event ends fires until that one comes: the later of
//! the two times counts, so that it does not matter which node's log either was
//! in, and a line that is read twice changes nothing. What nothing ends fires
//! for a quarter of an hour. Either way only the line with authority counts,
//! so that N nodes raise one alert.

use std::fmt::Write;

use crate::{Catalogue, Entry};

/// The fields that say what an event is about.
const IDENTITY: [&str; 8] = [
    "node",
    "network",
    "adapter",
    "addr",
    "peer_network",
    "peer_node",
    "peer_adapter",
    "peer_addr",
];

/// How long an alert fires that nothing ends.
const UNENDED_SECONDS: u32 = 900;

/// How far back the log is searched for a fault that still holds.
const LOOK_BACK: &str = "24h";

/// An event to alert on.
struct Alert<'a> {
    entry: &'a Entry,
    /// The labels that tell one alert from another.
    by: Vec<&'static str>,
    ended: bool,
}

fn alerts(catalogue: &Catalogue) -> Vec<Alert<'_>> {
    let worth = |entry: &&Entry| {
        entry.level != "info" && !entry.planned && !entry.authority.starts_with("nobody")
    };
    catalogue.events.iter().filter(worth).map(|entry| alert(catalogue, entry)).collect()
}

fn alert<'a>(catalogue: &Catalogue, entry: &'a Entry) -> Alert<'a> {
    let ends = catalogue.ended_by(entry);
    // A label that either may lack would keep the two from meeting.
    let both =
        |field: &&str| entry.always_has(field) && ends.iter().all(|end| end.always_has(field));
    let by = std::iter::once("cluster").chain(IDENTITY.into_iter().filter(&both));
    let mut by: Vec<&str> = by.collect();
    // What failed with one address may end with another on the same interface.
    if by.contains(&"adapter") {
        by.retain(|field| *field != "addr");
    }
    Alert { entry, by, ended: !ends.is_empty() }
}

/// Rules over the series that deploy/alerting/hats.mtail makes of the log.
pub(crate) fn prometheus(catalogue: &Catalogue) -> String {
    let mut text = header(
        "Prometheus: alerts on the events in the logs, from the series that hats.mtail makes\n\
         # of them",
    );
    for alert in alerts(catalogue) {
        let Alert { entry, by, ended } = &alert;
        let code = &entry.code;
        let by = by.join(", ");
        let unless: String =
            entry.spoken_for.iter().map(|cause| format!(",cause!=\"{cause}\"")).collect();
        let fault =
            format!("max by ({by}) (hats_fault_timestamp_seconds{{code=\"{code}\"{unless}}})");
        let lines = if *ended {
            let end = format!("max by ({by}) (hats_clear_timestamp_seconds{{code=\"{code}\"}})");
            vec![fault.clone(), format!("> ({end}"), format!("or 0 * {fault})")]
        } else {
            vec![format!("time() - {fault}"), format!("< {UNENDED_SECONDS}")]
        };
        let cause = entry.may_have("cause").then(|| cause_of(&alert));
        rule(&mut text, &alert, &lines, cause.as_deref());
    }
    text
}

/// A template that finds the cause, which is no label: it may change.
fn cause_of(alert: &Alert) -> String {
    let code = &alert.entry.code;
    let each = |show: fn(&str) -> String| alert.by.iter().map(|it| show(it)).collect::<String>();
    let labels = each(|field| format!(",{field}=\\\"%s\\\""));
    let values = each(|field| format!(" $labels.{field}"));
    let series = format!("hats_fault_timestamp_seconds{{code=\\\"{code}\\\"{labels}}}");
    let found = format!("{{{{ range printf \"topk(1, {series})\"{values} | query }}}}");
    found + "{{ .Labels.cause }}{{ end }}"
}

/// Rules over the log lines themselves.
pub(crate) fn loki(catalogue: &Catalogue) -> String {
    let mut text = header(&format!(
        "Loki: alerts on the events in the logs, shipped as JSON lines with the label\n\
         # job=\"hatsd\". A fault is looked for in the last {LOOK_BACK}"
    ));
    for alert in alerts(catalogue) {
        let Alert { entry, by, ended } = &alert;
        let code = &entry.code;
        let by = by.join(", ");
        let unless: String =
            entry.spoken_for.iter().map(|cause| format!(" | cause!=\"{cause}\"")).collect();
        let last = |key: &str, unless: &str| {
            format!(
                "max by ({by}) (max_over_time({{job=\"hatsd\"}} \
                 |= \"\\\"{key}\\\":\\\"{code}\\\"\" \
                 | json | authority=\"true\"{unless} \
                 | label_format at=\"{{{{ __timestamp__ | unixEpochMillis }}}}\" | unwrap at \
                 [{LOOK_BACK}]))"
            )
        };
        let unless = format!(" | maintenance=\"false\"{unless}");
        let lines = if *ended {
            let fault = last("code", &unless);
            vec![fault.clone(), format!("> ({}", last("clears", "")), format!("or 0 * {fault})")]
        } else {
            vec![
                format!(
                    "sum by ({by}) (count_over_time({{job=\"hatsd\"}} \
                     |= \"\\\"code\\\":\\\"{code}\\\"\" | json | authority=\"true\"{unless} \
                     [{UNENDED_SECONDS}s]))"
                ),
                "> 0".to_owned(),
            ]
        };
        rule(&mut text, &alert, &lines, None);
    }
    text
}

fn header(what: &str) -> String {
    format!(
        "# {what}.\n# Written from src/core/events.toml by `cargo run -p hats-catalogue`.\n\
         groups:\n  - name: hats-events\n    rules:\n"
    )
}

fn rule(text: &mut String, alert: &Alert, expression: &[String], cause: Option<&str>) {
    let entry = alert.entry;
    let severity = if entry.level == "error" { "critical" } else { "warning" };
    let places: Vec<String> = alert
        .by
        .iter()
        .map(|field| format!("{} {{{{ $labels.{field} }}}}", field.replace('_', " ")))
        .collect();
    let mut line = |line: std::fmt::Arguments| {
        text.write_fmt(line).expect("a string takes everything");
        text.push('\n');
    };
    line(format_args!("      - alert: Hats{}", entry.type_name()));
    line(format_args!("        expr: |-"));
    for part in expression {
        line(format_args!("          {part}"));
    }
    line(format_args!("        labels:"));
    line(format_args!("          code: {}", entry.code));
    line(format_args!("          event: {}", entry.name));
    line(format_args!("          severity: {severity}"));
    line(format_args!("        annotations:"));
    let mut annotation = |name: &str, value: &str| {
        line(format_args!("          {name}: '{}'", value.replace('\'', "''")));
    };
    let brief = entry.brief.trim_end_matches('.');
    annotation("summary", &format!("{brief}: {}", places.join(", ")));
    if let Some(cause) = cause {
        annotation("cause", cause);
    }
    annotation("description", &entry.meaning);
    annotation("likely_causes", &entry.causes.join(" "));
    annotation("action", &entry.action);
    annotation("runbook", &format!("docs/events.md{}", entry.anchor()));
}
