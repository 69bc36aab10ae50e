//! What the daemons say: their logs, followed line by line. A log line is the
//! same event that subscribers get, and stamped with this host's clock.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use serde::Deserialize;

/// The parts of an event that the lab looks at; absent ones are empty.
#[derive(Clone, PartialEq, Eq, Default, Debug, Deserialize)]
#[serde(default)]
pub struct Event {
    /// When it was published.
    pub mono_ns: u64,
    /// As `adapter.down`.
    pub event: String,
    /// The node it is about.
    pub node: String,
    /// The network it is about.
    pub network: String,
    /// The interface it is about.
    pub adapter: String,
    /// Why.
    pub cause: String,
    /// How sure.
    pub confidence: String,
    /// Which way a path fails, seen from `node`.
    pub direction: String,
    /// The verdict behind it.
    pub verdict_id: String,
    /// Who missed heartbeats.
    pub reporter: String,
    /// Who was asked to probe.
    pub arbiters: Vec<String>,
    /// The other end of a path.
    pub peer_node: String,
    /// A group's leader.
    pub leader: String,
    /// A group's successor.
    pub successor: String,
    /// The longest packet that arrives.
    pub mtu: u64,
    /// A group's size.
    pub members: u32,
    /// Whether this daemon decided it.
    pub authority: bool,
    /// For people.
    pub msg: String,
}

impl Event {
    /// Whether it says that something failed or came back: what nobody may say
    /// of a healthy cluster. Leaders may change, suspicions may come and go.
    pub fn is_judgement(&self) -> bool {
        matches!(
            self.event.as_str(),
            "adapter.down"
                | "adapter.up"
                | "adapter.inconclusive"
                | "adapter.damped"
                | "adapter.lossy"
                | "path.failed"
                | "path.restored"
                | "node.down"
                | "node.up"
                | "node.left"
                | "node.restarted"
                | "daemon.down"
                | "network.failed"
                | "network.partitioned"
                | "network.merged"
                | "network.multicast_broken"
                | "network.multicast_restored"
                | "network.mtu"
                | "network.mtu_restored"
                | "network.crossed"
                | "network.separated"
                | "duplicate.address"
                | "duplicate.node"
        )
    }

    /// Whether it says that something failed, rather than came back.
    pub fn is_failure(&self) -> bool {
        !matches!(
            self.event.as_str(),
            "adapter.up"
                | "path.restored"
                | "node.up"
                | "node.restarted"
                | "network.merged"
                | "network.multicast_restored"
                | "network.mtu_restored"
                | "network.separated"
        )
    }

    /// In few words: `adapter.down n3 eth0 both`.
    pub fn words(&self) -> String {
        let about = if self.event.starts_with("network.") { &self.network } else { &self.node };
        let parts = [&self.event, about, &self.adapter, &self.peer_node, &self.cause];
        let given: Vec<&str> =
            parts.iter().map(|part| part.as_str()).filter(|part| !part.is_empty()).collect();
        given.join(" ")
    }
}

/// Reads the events of one log. Lines that are no event are passed over.
#[derive(Debug)]
struct Tail {
    path: PathBuf,
    offset: u64,
    rest: Vec<u8>,
}

impl Tail {
    fn read(&mut self, into: &mut Vec<Event>) -> io::Result<()> {
        let mut file = File::open(&self.path)?;
        let mut bytes = Vec::new();
        file.seek(SeekFrom::Start(self.offset))?;
        let length = file.read_to_end(&mut bytes)?;
        self.offset += length as u64;
        self.rest.append(&mut bytes);
        let Some(end) = self.rest.iter().rposition(|byte| *byte == b'\n') else {
            return Ok(());
        };
        let lines: Vec<u8> = self.rest.drain(..=end).collect();
        let events = lines.split(|byte| *byte == b'\n').filter_map(|line| {
            let event: Event = serde_json::from_slice(line).ok()?;
            (!event.event.is_empty()).then_some(event)
        });
        into.extend(events);
        Ok(())
    }
}

/// Everything the daemons of a lab have said since the watch began.
#[derive(Debug)]
pub struct Watch {
    tails: Vec<Tail>,
    /// The events of each node, in its own order.
    pub said: Vec<Vec<Event>>,
}

impl Watch {
    /// Watches the logs of all nodes, from their beginning.
    pub fn new<'a>(logs: impl Iterator<Item = &'a Path>) -> Watch {
        let tails: Vec<Tail> =
            logs.map(|path| Tail { path: path.to_owned(), offset: 0, rest: Vec::new() }).collect();
        let said = tails.iter().map(|_| Vec::new()).collect();
        Watch { tails, said }
    }

    /// Reads what is new.
    ///
    /// # Errors
    ///
    /// A log can't be read: silence would be taken for good news.
    pub fn poll(&mut self) -> Result<()> {
        for (tail, said) in self.tails.iter_mut().zip(&mut self.said) {
            tail.read(said).with_context(|| format!("read {}", tail.path.display()))?;
        }
        Ok(())
    }

    /// How many events each node has said so far: a point to look from later.
    ///
    /// # Errors
    ///
    /// As [`Watch::poll`].
    pub fn mark(&mut self) -> Result<Vec<usize>> {
        self.poll()?;
        Ok(self.said.iter().map(Vec::len).collect())
    }

    /// Reads until `done`, or until the time is up; returns whether it is done.
    ///
    /// # Errors
    ///
    /// As [`Watch::poll`].
    pub fn wait(&mut self, limit: Duration, mut done: impl FnMut(&Watch) -> bool) -> Result<bool> {
        let end = Instant::now() + limit;
        loop {
            self.poll()?;
            if done(self) {
                return Ok(true);
            }
            if Instant::now() >= end {
                return Ok(false);
            }
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Goes on reading for a while.
    ///
    /// # Errors
    ///
    /// As [`Watch::poll`].
    pub fn linger(&mut self, time: Duration) -> Result<()> {
        self.wait(time, |_| false).map(drop)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_line_is_read_once_it_is_whole() {
        let path = std::env::temp_dir().join(format!("hats-lab-tail-{}", std::process::id()));
        let mut file = File::create(&path).unwrap();
        let mut watch = Watch::new([path.as_path()].into_iter());
        file.write_all(b"not json\n{\"event\":\"node.up\",\"node\":\"n1\"}\n{\"event\":\"no")
            .unwrap();
        watch.poll().unwrap();
        assert_eq!(watch.said[0].len(), 1);
        file.write_all(b"de.down\",\"node\":\"n2\",\"new_key\":1}\n").unwrap();
        watch.poll().unwrap();
        assert_eq!(watch.said[0][1].words(), "node.down n2");
        std::fs::remove_file(path).unwrap();
        assert!(watch.poll().is_err(), "a log that is gone is no silence");
    }
}
