//! One verdict and what it rests on.

use hats_client::ipc::{Observation, Verdict};

use super::{NO_PROBES, NOTHING, lists::about, or_nothing};
use crate::{
    table::{Table, first_that_fits, paragraph},
    words::{self, clean, span},
};

const COLUMNS: &str = "\
RECV answers of SENT probes, over the network OVER   SEEN probes the target
says, over another one, it received   HEARD datagrams of the target meanwhile
ELSEWHERE whether its daemon answers over another network
";

/// `hats-status verdicts ID`.
pub(crate) fn verdict(verdict: &Verdict, wide: bool) -> String {
    let mut text = clean(&format!(
        "verdict {}  {}  {} {}",
        verdict.id,
        verdict.ts,
        verdict.kind,
        about(verdict)
    ));
    text.push('\n');
    text.push_str(&paragraph("  ", &verdict.summary));
    text.push('\n');
    for (name, value) in facts(verdict) {
        text.push_str(&paragraph(&format!("{name:<12}"), &value));
    }
    text.push('\n');
    text.push_str(&evidence(verdict, wide));
    let hint = verdict.hint.as_deref().filter(|hint| !hint.is_empty());
    let hint = hint.unwrap_or_else(|| words::hint(&verdict.kind, verdict.cause.as_deref()));
    text.push('\n');
    text.push_str(&paragraph("try: ", hint));
    text
}

/// What it is about and what it says, in a few words.
#[cfg(feature = "live")]
pub(crate) fn headline(verdict: &Verdict) -> String {
    let why = verdict.cause.as_deref().or(verdict.direction.as_deref());
    let why = why.map(|why| format!(" {why}")).unwrap_or_default();
    format!("{} {}{why} ({})", verdict.kind, about(verdict), verdict.confidence)
}

fn facts(verdict: &Verdict) -> Vec<(&'static str, String)> {
    let mut facts = Vec::new();
    if let Some(cause) = &verdict.cause {
        let plain = words::cause(cause);
        let explained = if plain == cause { cause.clone() } else { format!("{cause} ({plain})") };
        facts.push(("cause", explained));
    }
    if let Some(direction) = &verdict.direction {
        facts.push(("direction", direction.clone()));
    }
    facts.push(("confidence", or_nothing(Some(&verdict.confidence))));
    if !verdict.sets.is_empty() {
        let sets = verdict.sets.iter().map(|set| format!("{{{set}}}"));
        facts.push(("parts", sets.collect::<Vec<_>>().join(" and ")));
    }
    if let Some(missing) = &verdict.missing {
        facts.push(("missing", missing.clone()));
    }
    let suspect = or_nothing(Some(&verdict.suspect));
    facts.push((
        "reported",
        format!("by {}: silent: {suspect}", or_nothing(Some(&verdict.reporter))),
    ));
    let arbiters = or_nothing(Some(&verdict.arbiters.join(", ")));
    facts.push(("asked", arbiters));
    let took = span(verdict.took_ms.saturating_mul(1_000));
    let decided_by = or_nothing(Some(&verdict.decided_by));
    facts.push(("decided", format!("by {decided_by}, {took} after the last heartbeat")));
    facts
}

fn evidence(verdict: &Verdict, wide: bool) -> String {
    if verdict.evidence.is_empty() {
        return format!("{NO_PROBES}\n");
    }
    let table = |addresses: bool| {
        let mut titles = vec!["PROBED BY", "TARGET", "OVER"];
        titles.extend(["SENT", "RECV", "RTT", "SEEN", "HEARD", "ICMP", "ELSEWHERE"]);
        let mut table = Table::new(&titles);
        for observation in &verdict.evidence {
            table.row(row(observation, addresses));
        }
        table
    };
    let text = if wide {
        table(true).render()
    } else {
        first_that_fits([true, false].into_iter().map(table))
    };
    text + COLUMNS
}

fn row(observation: &Observation, addresses: bool) -> Vec<String> {
    let yes_no = |answer: Option<bool>| match answer {
        Some(true) => "yes".to_owned(),
        Some(false) => "no".to_owned(),
        None => NOTHING.to_owned(),
    };
    let with = |name: &str, addr: &str| {
        if addresses && !addr.is_empty() { format!("{name} {addr}") } else { name.to_owned() }
    };
    let part = part(&observation.part);
    let mut row = vec![
        with(&observation.prober, &observation.prober_addr) + &part,
        with(&observation.target, &observation.target_addr),
    ];
    row.push(observation.network.clone());
    row.extend([observation.sent, observation.received].map(|count| count.to_string()));
    row.push(observation.rtt_us.map_or(NOTHING.into(), span));
    row.push(observation.seen_by_target.map_or(NOTHING.into(), |seen| seen.to_string()));
    row.push(observation.heard_from_target.to_string());
    row.extend([yes_no(observation.icmp), yes_no(observation.elsewhere)]);
    row
}

/// What an arbiter or the suspect itself found is marked; the rest is the reporter's.
pub(super) fn part(part: &str) -> String {
    match part {
        "arbiter" | "suspect" => format!(" ({part})"),
        _ => String::new(),
    }
}
