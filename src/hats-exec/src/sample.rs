//! `--try`: a made-up event, delivered once.

use std::io::{self, Write};

use hats_catalogue::{Catalogue, Entry};
use hats_client::ipc::Event;
use tokio::sync::watch;

use crate::{
    config::Config,
    delivery::{Outcome, deliver},
};

/// Delivers an event of this code or name to every action that it matches, and
/// says what became of it. Nothing is remembered.
pub(crate) async fn deliver_one(config: Config, word: &str) -> Result<(), String> {
    let catalogue = Catalogue::built_in();
    let entry = catalogue.find(word).ok_or_else(|| {
        let likely = catalogue.likely(word);
        let hint = likely.map_or_else(String::new, |it| format!(": is {} meant?", it.name));
        format!("no event is called \"{word}\"{hint}")
    })?;
    let event = sample(entry);
    let (_ending, mut never) = watch::channel(false);
    let (mut matching, mut failed) = (0, 0);
    for mut action in config.actions {
        if !action.matcher.matches(&event, &catalogue) {
            continue;
        }
        matching += 1;
        action.effort.retries = 0;
        let said = match deliver(&action, &event, &mut never).await {
            Outcome::Delivered => "delivered".to_owned(),
            Outcome::GivenUp { why, .. } => {
                failed += 1;
                format!("not delivered: {why}")
            }
            Outcome::Interrupted => "interrupted".to_owned(),
        };
        drop(writeln!(io::stdout(), "{}: {said}", action.name));
    }
    match (matching, failed) {
        (0, _) => Err(format!("no action is for {} {} of n1 on neta", entry.code, entry.name)),
        (_, 0) => Ok(()),
        (_, failed) => Err(format!("{failed} of {matching} actions failed")),
    }
}

/// An event that says that it is none.
fn sample(entry: &Entry) -> Event {
    let some = |field: &str, value: &str| entry.may_have(field).then(|| value.to_owned());
    let now = jiff::Timestamp::now();
    Event {
        ts: format!("{now:.3}"),
        level: entry.level.clone(),
        code: entry.code.clone(),
        event: entry.name.clone(),
        cluster: "test".to_owned(),
        node: some("node", "n1"),
        network: some("network", "neta"),
        adapter: some("adapter", "eth0"),
        addr: some("addr", "192.0.2.1"),
        peer_node: some("peer_node", "n2"),
        cause: some("cause", "both"),
        confidence: some("confidence", "high"),
        clears: entry.clears.first().cloned(),
        authority: true,
        observer: "hats-exec".to_owned(),
        // Each try is another event: a web hook that has seen its key drops it.
        epoch: u64::try_from(now.as_millisecond()).unwrap_or_default(),
        seq: 1,
        msg: format!("this is a test of {}: nothing has happened", entry.name),
        ..Event::default()
    }
}
