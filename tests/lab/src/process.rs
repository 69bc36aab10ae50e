//! The processes of the nodes, as /proc shows them.

use std::{
    fs::{self, File},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde::{Deserialize, Serialize};

/// Length of a clock tick in /proc, the same on every Linux that hats runs on.
const TICK_MS: u64 = 10;

/// One process in a node.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Process {
    /// Its name: hatsd, hats-nim, ...
    pub name: String,
    /// Its number inside the lab.
    pub pid: i32,
    /// Its number on the host, where that could be found out.
    pub host_pid: Option<i32>,
    /// R, S, T (stopped), ...
    pub state: String,
    /// Processor time used.
    pub cpu_ms: u64,
    /// Resident memory.
    pub rss_kib: u64,
    /// Of it, what belongs to no file: heap and stacks.
    pub own_kib: u64,
    /// Resident memory, shared pages divided among those that share them.
    pub pss_kib: Option<u64>,
}

/// The processes whose network is that namespace.
pub fn in_network(net: &File) -> Vec<Process> {
    let Ok(wanted) = net.metadata() else { return Vec::new() };
    let mut found: Vec<_> = numbered(Path::new("/proc"))
        .filter(|path| {
            // Fails for zombies: they have no namespace any more.
            fs::metadata(path.join("ns/net"))
                .is_ok_and(|m| (m.dev(), m.ino()) == (wanted.dev(), wanted.ino()))
        })
        .filter_map(|path| read(&path))
        .collect();
    found.sort_by_key(|process| process.pid);
    found
}

/// Processor time that this process itself has used.
pub fn own_cpu_ms() -> u64 {
    read(Path::new("/proc/self")).map_or(0, |process| process.cpu_ms)
}

/// Kills every process in a network namespace, those just being born included.
///
/// # Errors
///
/// Some process would not die.
pub fn kill_all(net: &File) -> Result<()> {
    for _ in 0..100 {
        let processes = in_network(net);
        if processes.is_empty() {
            return Ok(());
        }
        for process in processes {
            // Already gone is what is wanted.
            let _ = kill(Pid::from_raw(process.pid), Signal::SIGKILL);
        }
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    anyhow::bail!("some processes of the node do not die")
}

/// Sends a signal to every process in a network namespace.
pub fn signal_all(net: &File, signal: Signal) {
    for process in in_network(net) {
        // One that has just ended needs none.
        let _ = kill(Pid::from_raw(process.pid), signal);
    }
}

/// Sends a signal to one process of the lab.
///
/// # Errors
///
/// There is no such process.
pub fn signal(pid: i32, signal: Signal) -> Result<()> {
    kill(Pid::from_raw(pid), signal).with_context(|| format!("send {signal} to process {pid}"))
}

/// Fills in the numbers that processes have on the host, whose /proc is open
/// as `host`.
pub fn add_host_pids(host: &Path, processes: &mut [Process]) {
    let Ok(own) = fs::metadata("/proc/self/ns/pid") else { return };
    for path in numbered(host) {
        let ours = fs::metadata(path.join("ns/pid"))
            .is_ok_and(|m| (m.dev(), m.ino()) == (own.dev(), own.ino()));
        if !ours {
            continue;
        }
        let numbers = pid_numbers(&path);
        if let (Some(first), Some(last)) = (numbers.first(), numbers.last())
            && let Some(process) = processes.iter_mut().find(|p| p.pid == *last)
        {
            process.host_pid = Some(*first);
        }
    }
}

fn numbered(proc: &Path) -> impl Iterator<Item = PathBuf> {
    fs::read_dir(proc)
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| {
            entry.file_name().to_str().is_some_and(|n| n.bytes().all(|b| b.is_ascii_digit()))
        })
        .map(|entry| entry.path())
}

/// The numbers of a process, from the outermost namespace to its own.
fn pid_numbers(path: &Path) -> Vec<i32> {
    let status = fs::read_to_string(path.join("status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("NSpid:")).unwrap_or_default();
    line.split_whitespace().filter_map(|number| number.parse().ok()).collect()
}

fn read(path: &Path) -> Option<Process> {
    let stat = fs::read_to_string(path.join("stat")).ok()?;
    let (name, state, cpu_ms) = parse_stat(&stat)?;
    let rollup = fs::read_to_string(path.join("smaps_rollup")).unwrap_or_default();
    let size = |key: &str| {
        let line = rollup.lines().find_map(|line| line.strip_prefix(key))?;
        line.trim().strip_suffix(" kB")?.parse::<u64>().ok()
    };
    Some(Process {
        name,
        pid: *pid_numbers(path).last()?,
        host_pid: None,
        state,
        cpu_ms,
        rss_kib: size("Rss:").unwrap_or(0),
        own_kib: size("Anonymous:").unwrap_or(0),
        pss_kib: size("Pss:"),
    })
}

/// Name, state and processor time. The name may hold blanks and parentheses.
fn parse_stat(stat: &str) -> Option<(String, String, u64)> {
    let (start, end) = (stat.find('(')?, stat.rfind(')')?);
    let fields: Vec<&str> = stat.get(end + 1..)?.split_whitespace().collect();
    let ticks = |index: usize| fields.get(index)?.parse::<u64>().ok();
    let cpu_ms = (ticks(11)? + ticks(12)?) * TICK_MS;
    Some((stat.get(start + 1..end)?.to_owned(), (*fields.first()?).to_owned(), cpu_ms))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_a_parenthesis_does_not_shift_the_fields() {
        let stat = "12 (a) b (c) S 1 12 12 0 -1 4194560 2 0 0 0 7 3 0 0 20 0 1 0 100 1 1";
        assert_eq!(parse_stat(stat), Some(("a) b (c".into(), "S".into(), 100)));
    }

    #[test]
    fn a_line_that_is_cut_short_is_no_process() {
        for stat in ["", "12 (a", "12 (a) S 1 2"] {
            assert_eq!(parse_stat(stat), None);
        }
    }

    #[test]
    fn this_process_is_found_in_its_own_network() {
        let net = File::open("/proc/self/ns/net").unwrap();
        let own = i32::try_from(std::process::id()).unwrap();
        assert!(in_network(&net).iter().any(|p| p.pid == own && p.rss_kib > 0));
    }
}
