//! A scenario as text.

use std::fmt::Write as _;

use hats_core::config::Profile;

use super::Scenario;
use crate::campaign::{
    expectation::{Expectation, Within},
    span,
    story::{Episode, Member, Step, Story},
};

pub(super) fn scenario(scenario: &Scenario) -> String {
    let mut text = format!("name = {}\n", quoted(&scenario.name));
    if let Some(why) = &scenario.why {
        text += &format!("why = {}\n", quoted(why));
    }
    cluster(&mut text, &scenario.story);
    for part in &scenario.story.episodes {
        episode(&mut text, part);
    }
    text
}

fn cluster(text: &mut String, story: &Story) {
    *text += &format!("seed = {}\n", story.seed);
    let detection = story.detection;
    match Profile::ALL.into_iter().find(|profile| profile.detection() == detection) {
        Some(profile) => *text += &format!("profile = {}\n", quoted(profile.word())),
        None => {
            let (interval, timeout) = (detection.heartbeat_interval, detection.probe_timeout);
            *text += &format!("heartbeat_interval = {}\n", quoted(&span::words(interval)));
            *text += &format!("sensitivity = {}\n", detection.sensitivity);
            *text += &format!("probe_timeout = {}\n", quoted(&span::words(timeout)));
        }
    }
    *text += &format!("networks = {}\n", list(&story.networks));
    *text += "nodes = [\n";
    for node in &story.nodes {
        *text += &format!("  {},\n", quoted(&member(node)));
    }
    *text += "]\n";
    if !story.hosts.is_empty() {
        *text +=
            &format!("hosts = {}\n", list(&story.hosts.iter().map(member).collect::<Vec<_>>()));
    }
    if story.references {
        *text += "references = true\n";
    }
    if !story.required.is_empty() {
        let required = story.required.iter().map(|(node, network)| format!("{node}/{network}"));
        *text += &format!("required = {}\n", list(&required.collect::<Vec<_>>()));
    }
    if story.ipv6 {
        *text += "ipv6 = true\n";
    }
    if story.loss > 0.0 {
        *text += &format!("loss = {:?}\n", story.loss);
    }
}

fn member(member: &Member) -> String {
    let adapters = member.adapters.iter().map(|(network, last)| format!(" {network}.{last}"));
    let adapters: String = adapters.collect();
    format!("{}{adapters}", member.name)
}

fn episode(text: &mut String, episode: &Episode) {
    *text += &format!("\n[[episode]]\npace = {}\n", quoted(episode.pace.words()));
    *text += "steps = [\n";
    for step in &episode.steps {
        *text += &format!("  {},\n", one_step(step));
    }
    *text += "]\n";
    if let Some(expectation) = &episode.expect {
        *text += &format!("{}\n", expected(expectation).join("\n"));
    }
    if !episode.groups.is_empty() {
        *text += &format!("groups = {}\n", list(&episode.groups));
    }
}

fn one_step(step: &Step) -> String {
    let mut line = format!(
        "{{ at = {}, do = {}",
        quoted(&span::words(step.after)),
        quoted(&step.fault.words())
    );
    if let Some(lasts) = step.lasts {
        line += &format!(", for = {}", quoted(&span::words(lasts)));
    }
    for key in step.expect.iter().flat_map(expected) {
        line += &format!(", {key}");
    }
    line + " }"
}

/// The keys of an expectation, each with its value.
fn expected(expectation: &Expectation) -> Vec<String> {
    let mut keys = vec![format!("expect = {}", list(&expectation.blames))];
    if expectation.within != Within::Bound {
        keys.push(format!("within = {}", quoted(&expectation.within.words())));
    }
    if !expectation.tolerated.is_empty() {
        keys.push(format!("tolerate = {}", list(&expectation.tolerated)));
    }
    if let Some(witnesses) = &expectation.witnesses {
        keys.push(format!("by = {}", list(witnesses)));
    }
    keys
}

fn list(items: &[impl ToString]) -> String {
    let items: Vec<String> = items.iter().map(|item| quoted(&item.to_string())).collect();
    format!("[{}]", items.join(", "))
}

/// A basic string of TOML.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\n' => quoted += "\\n",
            c if c.is_control() => drop(write!(quoted, "\\u{:04X}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}
