//! `--redeliver`: the dead letters of an action, delivered once more. What is
//! not delivered this time either is a dead letter again.
//!
//! It may run beside the hats-exec that buries more of them: it first puts the
//! files aside, and removes each when it is through with it. Ended before that,
//! it begins with that file again the next time.

use std::{
    fs::{self, File},
    io::{self, BufRead, BufReader, Write},
    path::Path,
};

use hats_client::ipc::Event;
use serde_json::Value;
use tokio::sync::watch;

use crate::{
    action::Action,
    config::Config,
    dead::DeadLetters,
    delivery::{Outcome, deliver},
};

#[derive(Default)]
struct Counts {
    delivered: u64,
    failed: u64,
}

/// Delivers them, the oldest first, and says how many.
pub(crate) async fn redeliver(config: Config, name: &str) -> Result<(), String> {
    let Config { state_dir, mut actions, .. } = config;
    actions.retain(|action| action.name == name);
    let Some(action) = actions.pop() else {
        return Err(format!("no action is called \"{name}\""));
    };
    let letters = DeadLetters::of(name, &state_dir);
    let mut counts = Counts::default();
    for path in letters.put_aside().map_err(|error| format!("{name}: {error}"))? {
        let failed = |error: io::Error| format!("{}: {error}", path.display());
        file(&action, &letters, &path, &mut counts).await.map_err(failed)?;
        fs::remove_file(&path).map_err(failed)?;
    }
    let Counts { delivered, failed } = counts;
    drop(writeln!(io::stdout(), "{name}: {delivered} delivered, {failed} not"));
    if failed == 0 { Ok(()) } else { Err(format!("{failed} are dead letters again")) }
}

async fn file(
    action: &Action,
    letters: &DeadLetters,
    path: &Path,
    counts: &mut Counts,
) -> io::Result<()> {
    let (_ending, mut never) = watch::channel(false);
    let mut lines = BufReader::new(File::open(path)?);
    let mut bytes = Vec::new();
    // A letter that was being buried when the file was put aside comes last, and may
    // be cut short.
    while lines.read_until(b'\n', &mut bytes)? > 0 {
        let mut line = String::from_utf8_lossy(&bytes).into_owned();
        if !line.ends_with('\n') {
            line.push('\n');
        }
        let letter: Option<Value> = serde_json::from_str(&line).ok();
        match letter.as_ref().and_then(|letter| event(letter.get("event")?)) {
            Some(event) => match deliver(action, &event, &mut never).await {
                Outcome::Delivered => counts.delivered += 1,
                Outcome::GivenUp { attempts, why } => {
                    letters.bury(&event, attempts, &why);
                    counts.failed += 1;
                }
                Outcome::Interrupted => counts.failed += 1,
            },
            None => {
                tracing::error!("{}: this is no letter: {line}", action.name);
                letters.append(&line)?;
                counts.failed += 1;
            }
        }
        bytes.clear();
    }
    Ok(())
}

/// The event that was written as JSON.
fn event(value: &Value) -> Option<Event> {
    value.get("code")?;
    let some = |key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
    let text = |key: &str| some(key).unwrap_or_default();
    let number = |key: &str| value.get(key).and_then(Value::as_u64);
    let small = |key: &str| number(key).and_then(|number| u32::try_from(number).ok());
    let flag = |key: &str| value.get(key).and_then(Value::as_bool).unwrap_or_default();
    let list = |key: &str| {
        let items = value.get(key).and_then(Value::as_array).into_iter().flatten();
        items.filter_map(|item| item.as_str().map(str::to_owned)).collect()
    };
    // Every field, so that a new one is not forgotten here.
    Some(Event {
        ts: text("ts"),
        mono_ns: number("mono_ns").unwrap_or_default(),
        level: text("level"),
        code: text("code"),
        event: text("event"),
        cluster: text("cluster"),
        node: some("node"),
        network: some("network"),
        adapter: some("adapter"),
        addr: some("addr"),
        cause: some("cause"),
        confidence: some("confidence"),
        verdict_id: some("verdict_id"),
        reporter: some("reporter"),
        arbiters: list("arbiters"),
        peer_node: some("peer_node"),
        peer_network: some("peer_network"),
        peer_adapter: some("peer_adapter"),
        peer_addr: some("peer_addr"),
        direction: some("direction"),
        leader: some("leader"),
        leader_addr: some("leader_addr"),
        successor: some("successor"),
        successor_addr: some("successor_addr"),
        members: small("members"),
        instance: number("instance"),
        sets: list("sets"),
        clears: some("clears"),
        missing: some("missing"),
        hint: some("hint"),
        late_ms: number("late_ms"),
        count: number("count"),
        pid: small("pid"),
        incarnation: number("incarnation"),
        version: some("version"),
        mac: some("mac"),
        peer_mac: some("peer_mac"),
        loss_in: number("loss_in"),
        loss_out: number("loss_out"),
        mtu: number("mtu"),
        authority: flag("authority"),
        maintenance: flag("maintenance"),
        observer: text("observer"),
        epoch: number("epoch").unwrap_or_default(),
        seq: number("seq").unwrap_or_default(),
        msg: text("msg"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_read_as_it_was_written() {
        let keys = [
            "ts level code event cluster node network adapter addr cause confidence verdict_id",
            "reporter peer_node peer_adapter peer_addr direction leader leader_addr successor",
            "successor_addr clears missing hint version mac peer_mac peer_network observer msg",
        ];
        let mut written = serde_json::Map::new();
        for key in keys.iter().flat_map(|keys| keys.split(' ')) {
            written.insert(key.to_owned(), format!("the {key}").into());
        }
        let numbers = "mono_ns members instance late_ms count pid incarnation loss_in \
                       loss_out mtu epoch seq";
        for (number, key) in numbers.split(' ').enumerate() {
            written.insert(key.to_owned(), (number + 1).into());
        }
        for key in ["arbiters", "sets"] {
            written.insert(key.to_owned(), vec![format!("a {key}"), "another".to_owned()].into());
        }
        for key in ["authority", "maintenance"] {
            written.insert(key.to_owned(), true.into());
        }
        let written = Value::Object(written);
        let read = event(&written).unwrap();
        let again: Value = serde_json::from_str(&hats_client::to_json(&read)).unwrap();
        assert_eq!(again, written);
        assert_eq!(event(&serde_json::json!({"msg": "none"})), None);
    }
}
