//! Labs without daemons: what their cables do, and that nothing is left behind.
//!
//! Skipped, with the reason, where namespaces or tap devices are not permitted.

// Clippy's leave for tests does not reach the helpers of a test program.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::{
    path::PathBuf,
    process::{Command, Output},
    thread,
    time::{Duration, Instant},
};

const LAB: &str = env!("CARGO_BIN_EXE_hats-lab");

/// A lab in a directory of its own, ended with the test.
struct Lab {
    dir: PathBuf,
}

impl Lab {
    /// Starts one; `None`, with the reason printed, where it is not permitted.
    fn up(name: &str, arguments: &[&str]) -> Option<Lab> {
        let dir = std::env::temp_dir().join(format!("hats-lab-{name}-{}", std::process::id()));
        let lab = Lab { dir };
        let output = lab.run(&[&["up", "--no-daemons", "--nodes", "3"], arguments].concat());
        if output.status.success() {
            return Some(lab);
        }
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        let missing =
            ["not permitted", "is missing", "may not be opened", "no more user namespaces"];
        assert!(missing.iter().any(|words| error.contains(words)), "{error}");
        println!("skipped: {error}");
        None
    }

    fn run(&self, arguments: &[&str]) -> Output {
        Command::new(LAB).arg("--dir").arg(&self.dir).args(arguments).output().unwrap()
    }

    fn done(&self, line: &str) {
        let output = self.run(&line.split_whitespace().collect::<Vec<_>>());
        assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// How many of 3 datagrams arrive, each way.
    fn ping(&self, from: &str, to: &str, adapter: &str) -> (u64, u64) {
        let output = self.run(&["ping", from, to, adapter]);
        let text = String::from_utf8(output.stdout).unwrap();
        let numbers: Vec<u64> = text
            .split(|c: char| !c.is_ascii_digit() && !c.is_ascii_lowercase())
            .filter_map(|word| word.parse().ok())
            .collect();
        assert!(numbers.len() >= 4, "{text}");
        (numbers[0], numbers[2])
    }

    fn read(&self, node: &str, path: &str) -> String {
        let output = self.run(&["exec", node, "--", "cat", path]);
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// The numbers of the lab's two processes: outside and first inside.
    fn processes(&self) -> (u32, u32) {
        let pattern = self.dir.to_str().unwrap().to_owned();
        let find = |word: &str| {
            std::fs::read_dir("/proc")
                .unwrap()
                .flatten()
                .filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok())
                .find(|pid| {
                    let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
                    let line = String::from_utf8_lossy(&line).replace('\0', " ");
                    line.contains(&pattern) && line.contains(word)
                })
                .unwrap_or_else(|| panic!("no process {word}"))
        };
        (find(" serve "), find(" init "))
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        self.run(&["down"]);
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

fn wait_for(what: &str, mut condition: impl FnMut() -> bool) {
    let started = Instant::now();
    while !condition() {
        assert!(started.elapsed() < Duration::from_secs(10), "{what}");
        thread::sleep(Duration::from_millis(10));
    }
}

fn lives(pid: u32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

#[test]
fn every_pair_of_nodes_reaches_each_other_on_every_network() {
    for arguments in [&["--links", "tap"][..], &["--ipv6"], &["--links", "veth"]] {
        let Some(lab) = Lab::up("pairs", arguments) else { return };
        for (from, to) in [("n1", "n2"), ("n2", "n3"), ("n3", "n1")] {
            assert_eq!(lab.ping(from, to, "neta"), (3, 3), "{arguments:?}");
            assert_eq!(lab.ping(from, to, "eth1"), (3, 3), "{arguments:?}");
        }
        assert_eq!(lab.read("n2", "/proc/sys/kernel/hostname"), "n2");
    }
}

#[test]
fn faults_of_an_adapter_do_what_they_say_and_heal() {
    let Some(lab) = Lab::up("faults", &[]) else { return };
    // Mute first: that n2 has never heard of n1 must not make n1 seem deaf.
    for (fault, from_n1, to_n1) in [("mute", 0, 3), ("cut", 0, 0), ("deaf", 3, 0)] {
        lab.done(&format!("fault n1 eth0 {fault}"));
        assert_eq!(lab.ping("n1", "n2", "eth0"), (from_n1, to_n1), "{fault}");
        assert_eq!(lab.ping("n1", "n2", "eth1"), (3, 3), "{fault}");
        assert_eq!(lab.ping("n2", "n3", "eth0"), (3, 3), "{fault}");
        assert_eq!(lab.read("n1", "/sys/class/net/eth0/carrier"), "1", "{fault}");
        lab.done("heal n1 eth0");
    }
    assert_eq!(lab.ping("n1", "n2", "eth0"), (3, 3));
    lab.done("fault n1 eth0 loss=100%");
    assert_eq!(lab.ping("n1", "n2", "eth0"), (0, 0));
    lab.done("fault n1 eth0 loss=0%");
    lab.done("fault n1 eth0 delay=20ms");
    lab.done("fault n1 eth0 duplicate=100%");
    assert_eq!(lab.ping("n1", "n2", "eth0"), (3, 3));
}

#[test]
fn a_pulled_cable_takes_the_carrier_away_and_gives_it_back() {
    for links in ["tap", "veth"] {
        let Some(lab) = Lab::up("carrier", &["--links", links]) else { return };
        assert_eq!(lab.ping("n1", "n2", "eth0"), (3, 3));
        lab.done("fault n1 eth0 carrier");
        assert_eq!(lab.read("n1", "/sys/class/net/eth0/carrier"), "0", "{links}");
        assert_eq!(lab.read("n1", "/sys/class/net/eth1/carrier"), "1", "{links}");
        assert_eq!(lab.ping("n1", "n2", "eth0"), (0, 0), "{links}");
        lab.done("heal n1");
        assert_eq!(lab.read("n1", "/sys/class/net/eth0/carrier"), "1", "{links}");
        wait_for("the link comes back", || lab.ping("n1", "n2", "eth0") == (3, 3));
    }
}

#[test]
fn a_failed_path_leaves_all_other_pairs_alone() {
    let Some(lab) = Lab::up("paths", &[]) else { return };
    assert_eq!(lab.ping("n1", "n2", "eth0"), (3, 3));
    lab.done("fault path n1 n2 --network neta");
    assert_eq!(lab.ping("n1", "n2", "eth0"), (0, 0));
    assert_eq!(lab.ping("n1", "n2", "eth1"), (3, 3));
    assert_eq!(lab.ping("n1", "n3", "eth0"), (3, 3));
    assert_eq!(lab.ping("n2", "n3", "eth0"), (3, 3));
    lab.done("heal");
    lab.done("fault path n1 n2 --network neta --one-way");
    assert_eq!(lab.ping("n1", "n2", "eth0"), (0, 3));
}

#[test]
fn with_kernel_bridges_only_cut_and_carrier_are_possible() {
    let Some(lab) = Lab::up("veth", &["--links", "veth"]) else { return };
    lab.done("fault n1 eth0 cut");
    assert_eq!(lab.ping("n1", "n2", "eth0"), (0, 0));
    assert_eq!(lab.read("n1", "/sys/class/net/eth0/carrier"), "1");
    for line in ["fault n1 eth0 deaf", "fault path n1 n2"] {
        let output = lab.run(&line.split(' ').collect::<Vec<_>>());
        assert!(!output.status.success());
        assert!(String::from_utf8_lossy(&output.stderr).contains("--links tap"), "{output:?}");
    }
    lab.done("heal");
    // The kernel looks for the hardware address again only after a while.
    wait_for("the cut is healed", || lab.ping("n1", "n2", "eth0") == (3, 3));
}

#[test]
fn the_default_route_can_lead_to_any_network() {
    let Some(lab) = Lab::up("route", &["--default-route", "netb"]) else { return };
    let routes = lab.read("n1", "/proc/net/route");
    let default = routes.lines().find(|line| line.contains("\t00000000\t00000000\t"));
    assert!(default.is_some_and(|line| line.starts_with("eth1")), "{routes}");
}

#[test]
fn a_command_in_a_node_gives_its_exit_code() {
    let Some(lab) = Lab::up("exec", &[]) else { return };
    assert_eq!(lab.run(&["exec", "n1", "--", "sh", "-c", "exit 42"]).status.code(), Some(42));
    // Ctrl-C ends it: nothing is blocked when it begins.
    let blocked = lab.run(&["exec", "n1", "--", "grep", "SigBlk", "/proc/self/status"]);
    let blocked = String::from_utf8_lossy(&blocked.stdout).into_owned();
    assert_eq!(blocked.trim(), "SigBlk:\t0000000000000000");
    let output = lab.run(&["exec", "n4", "--", "true"]);
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(error.contains("no node \"n4\": expected n1 to n3"), "{error}");
}

#[test]
fn a_second_lab_needs_a_directory_of_its_own() {
    let Some(first) = Lab::up("first", &[]) else { return };
    let output = first.run(&["up", "--no-daemons"]);
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("use another --dir"));
    let second = Lab::up("second", &[]).unwrap();
    assert_eq!(first.ping("n1", "n2", "eth0"), (3, 3));
    assert_eq!(second.ping("n1", "n2", "eth0"), (3, 3));
}

#[test]
fn nothing_is_left_after_down() {
    let Some(lab) = Lab::up("down", &[]) else { return };
    let (outer, inner) = lab.processes();
    lab.done("down");
    wait_for("the lab ends", || !lives(outer) && !lives(inner));
    assert!(!lab.dir.exists());
    let output = lab.run(&["status"]);
    assert!(String::from_utf8_lossy(&output.stderr).contains("no lab runs in"), "{output:?}");
}

#[test]
fn nothing_is_left_when_the_lab_is_killed() {
    for which in 0..2 {
        let Some(lab) = Lab::up("killed", &[]) else { return };
        let mut sleeper = Command::new(LAB)
            .arg("--dir")
            .arg(&lab.dir)
            .args(["exec", "n1", "--", "sleep", "600"])
            .spawn()
            .unwrap();
        wait_for("the command runs", || {
            String::from_utf8(lab.run(&["status"]).stdout).unwrap().contains("sleep ")
        });
        let (outer, inner) = lab.processes();
        let victim = if which == 0 { outer } else { inner };
        let killed = Command::new("kill").args(["-9", &victim.to_string()]).status().unwrap();
        assert!(killed.success());
        wait_for("the lab ends", || !lives(outer) && !lives(inner));
        // Ended by the kernel with the processes of the lab.
        wait_for("the command in the node ends", || sleeper.try_wait().unwrap().is_some());
        // The directory can be used again at once.
        lab.done("up --no-daemons --nodes 2");
        assert_eq!(lab.ping("n1", "n2", "eth0"), (3, 3));
    }
}
