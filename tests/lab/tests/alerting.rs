//! deploy/alerting with the real programs: an adapter is cut in a lab, and the
//! pager rings once and is told when it is over.
//!
//! Nothing is installed here. What is missing is named, and the test that
//! needs it is skipped: `cargo test -p hats-lab --test alerting -- --nocapture`.

// Clippy's leave for tests does not reach the helpers of a test program.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

#[path = "alerting/pager.rs"]
mod pager;
#[path = "alerting/place.rs"]
mod place;

use std::{fs, process::Command};

use crate::{
    pager::Pager,
    place::{Lab, Place, Running, deploy, free_port, missing, wait_for},
};

/// The adapter that is cut, as every alert on it has to name it.
const CUT: [(&str, &str); 5] = [
    ("node", "n3"),
    ("network", "neta"),
    ("adapter", "eth0"),
    ("code", "HATS-2103"),
    ("severity", "critical"),
];

#[test]
fn configurations_have_no_mistakes_in_the_eyes_of_their_programs() {
    let check = |program: &str, arguments: &[&str]| {
        if missing(&[program]) {
            return;
        }
        let output =
            Command::new(program).current_dir(deploy("")).args(arguments).output().unwrap();
        let said =
            String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{program} {arguments:?}: {said}");
        println!("{program} {}: no mistakes", arguments.join(" "));
    };
    check("promtool", &["check", "config", "prometheus.yml"]);
    check("promtool", &["test", "rules", "hats.rules.test.yml"]);
    check("amtool", &["check-config", "alertmanager.yml"]);
    check("mtail", &["--compile_only", "--progs", "hats.mtail"]);
    let place = Place::new("rsyslog-check");
    let config = place.rsyslog("/var/log/hats/hatsd*.log");
    check("rsyslogd", &["-N1", "-f", config.to_str().unwrap()]);
}

#[test]
fn what_fails_raises_one_alert_in_prometheus_and_its_recovery_ends_it() {
    if missing(&["prometheus", "prometheus-alertmanager", "mtail"]) {
        return;
    }
    let Some(lab) = Lab::up("prometheus") else { return };
    let place = Place::new("prometheus");
    let pager = Pager::start();
    let (prometheus, alertmanager, mtail) = (free_port(), free_port(), free_port());
    let _programs = [
        start_mtail(&lab, &place, mtail),
        start_alertmanager(&place, alertmanager, &pager),
        start_prometheus(&place, prometheus, alertmanager, mtail),
    ];
    wait_for("Prometheus to read what mtail has", || {
        place::get(prometheus, "/api/v1/query?query=up%7Bjob%3D%22hats-log%22%7D%3D%3D1")
            .contains("\"value\"")
    });
    lab.done("fault n3 eth0 cut");
    let raised = pager.next();
    let said = raised.to_string();
    assert_eq!(
        (&raised["status"], &raised["labels"]["alertname"]),
        (&"firing".into(), &"HatsAdapterDown".into())
    );
    for (label, value) in CUT {
        assert_eq!(raised["labels"][label], value, "{label} in {said}");
    }
    assert_eq!(raised["annotations"]["cause"], "both", "{said}");
    // Every node's log has the line; one of them has the authority.
    let lines = lab.log_lines("\"code\":\"HATS-2103\"");
    assert_eq!(lines.len(), 3, "{lines:?}");
    lab.done("heal");
    let ended = pager.next();
    assert_eq!(
        (&ended["status"], &ended["fingerprint"]),
        (&"resolved".into(), &raised["fingerprint"])
    );
    assert_eq!(pager.others(), Vec::<String>::new(), "one alert, and its end");
    println!("prometheus, alertmanager, mtail: raised and ended: {said}");
    // A node takes its adapters with it: one alert speaks for all of them.
    lab.done("fault crash n1");
    let down = pager.next();
    assert_eq!(
        (&down["labels"]["alertname"], &down["labels"]["node"]),
        (&"HatsNodeDown".into(), &"n1".into()),
        "{down}"
    );
    assert_eq!(pager.others(), Vec::<String>::new(), "nothing but the node");
    assert!(lab.log_lines("\"cause\":\"node_down\"").len() >= 4, "two nodes, two adapters");
    println!("prometheus, alertmanager, mtail: {}", down["annotations"]["summary"]);
    // Who leads by then was started anew meanwhile, and ends what it told before.
    lab.done("fault kill-daemon n3");
    let killed = pager.next();
    assert_eq!(
        (&killed["labels"]["alertname"], &killed["labels"]["node"]),
        (&"HatsDaemonDown".into(), &"n3".into()),
        "{killed}"
    );
    lab.done("heal n3");
    ends_and_is_said_to_be_another_run(&pager, &killed);
    lab.done("heal n1");
    ends_and_is_said_to_be_another_run(&pager, &down);
    assert_eq!(pager.others(), Vec::<String>::new(), "all is well");
    println!("prometheus, alertmanager, mtail: ended by a leader that was started anew");
}

/// Of a node that is back, two things are said, in any order.
fn ends_and_is_said_to_be_another_run(pager: &Pager, raised: &serde_json::Value) {
    let mut said = [pager.next(), pager.next()];
    said.sort_by_key(|alert| alert["status"] != "resolved");
    let [end, restart] = said;
    assert_eq!(
        (&end["status"], &end["fingerprint"]),
        (&"resolved".into(), &raised["fingerprint"]),
        "{end}"
    );
    assert_eq!(restart["labels"]["alertname"], "HatsNodeRestarted", "{restart}");
}

#[test]
fn what_another_alert_speaks_for_rings_no_pager() {
    if missing(&["prometheus-alertmanager", "amtool"]) {
        return;
    }
    let place = Place::new("inhibition");
    let pager = Pager::start();
    let port = free_port();
    let _alertmanager = start_alertmanager(&place, port, &pager);
    wait_for("Alertmanager to be ready", || place::get(port, "/-/ready").contains("200 OK"));
    let url = format!("--alertmanager.url=http://127.0.0.1:{port}");
    let add = |labels: &str| {
        let mut command = Command::new("amtool");
        command.args(["alert", "add", &url]).args(labels.split(' '));
        assert!(command.status().unwrap().success(), "{labels}");
    };
    add("alertname=HatsNodeDown severity=critical cluster=atc node=n3");
    assert_eq!(pager.next()["labels"]["alertname"], "HatsNodeDown");
    add("alertname=HatsMetricsMissing cluster=atc node=n3 instance=n3:9107 job=hatsd");
    add("alertname=HatsSilent cluster=atc node=n3");
    add("alertname=HatsClusterDegraded cluster=atc severity=warning");
    // Of another node and of another cluster: nothing speaks for these.
    add("alertname=HatsMetricsMissing cluster=atc node=n2 instance=n2:9107 job=hatsd");
    add("alertname=HatsClusterDegraded cluster=other severity=warning");
    let about = |alert: &serde_json::Value| {
        let labels = &alert["labels"];
        format!("{} {} {}", labels["alertname"], labels["cluster"], labels["node"])
    };
    let mut rung = [about(&pager.next()), about(&pager.next())];
    rung.sort();
    assert_eq!(
        rung,
        [r#""HatsClusterDegraded" "other" null"#, r#""HatsMetricsMissing" "atc" "n2""#]
    );
    assert_eq!(pager.others(), Vec::<String>::new(), "the node speaks for the others");
}

fn start_mtail(lab: &Lab, place: &Place, port: u16) -> Running {
    let logs = lab.logs().map(|log| format!("--logs={}", log.display()));
    let mut command = Command::new("mtail");
    command.args(["--address=127.0.0.1", "--poll_interval=100ms", "--logtostderr"]);
    command
        .arg(format!("--port={port}"))
        .arg(format!("--progs={}", deploy("hats.mtail").display()));
    place.start("mtail", command.args(logs))
}

fn start_alertmanager(place: &Place, port: u16, pager: &Pager) -> Running {
    let config = place.copy(
        "alertmanager.yml",
        &[
            ("http://127.0.0.1:8080/pager", pager.url()),
            // The test has less patience than people.
            ("group_wait: 5s", "group_wait: 1s".to_owned()),
            ("group_interval: 1m", "group_interval: 1s".to_owned()),
        ],
    );
    let mut command = Command::new("prometheus-alertmanager");
    command.arg(format!("--config.file={}", config.display()));
    command.arg(format!("--storage.path={}", place.text("alertmanager")));
    command.arg(format!("--web.listen-address=127.0.0.1:{port}"));
    place.start("alertmanager", command.arg("--cluster.listen-address="))
}

fn start_prometheus(place: &Place, port: u16, alertmanager: u16, mtail: u16) -> Running {
    for rules in ["hats-events.rules.yml", "hats-state.rules.yml"] {
        place.copy(rules, &[]);
    }
    let config = place.copy(
        "prometheus.yml",
        &[
            ("127.0.0.1:9093", format!("127.0.0.1:{alertmanager}")),
            ("127.0.0.1:3903", format!("127.0.0.1:{mtail}")),
            ("interval: 15s", "interval: 1s".to_owned()),
        ],
    );
    let mut command = Command::new("prometheus");
    command.arg(format!("--config.file={}", config.display()));
    command.arg(format!("--storage.tsdb.path={}", place.text("prometheus")));
    place.start("prometheus", command.arg(format!("--web.listen-address=127.0.0.1:{port}")))
}

#[test]
fn what_begins_is_one_line_of_rsyslog_and_its_end_another() {
    if missing(&["rsyslogd"]) {
        return;
    }
    let Some(lab) = Lab::up("rsyslog") else { return };
    let place = Place::new("rsyslog");
    let config = place.rsyslog(lab.log_pattern().to_str().unwrap());
    let mut command = Command::new("rsyslogd");
    command.args(["-n", "-f"]).arg(config).arg("-i").arg(place.text("pid"));
    let _rsyslog = place.start("rsyslog", &mut command);
    let alerts = || fs::read_to_string(place.text("alerts.log")).unwrap_or_default();
    wait_for("rsyslog to have begun", || fs::metadata(place.text("pid")).is_ok());
    lab.done("fault n3 eth0 cut");
    wait_for("a line that fires", || alerts().contains(" FIRING "));
    lab.done("heal");
    wait_for("a line that ends it", || alerts().contains(" RESOLVED "));
    let text = alerts();
    let lines: Vec<&str> = text.lines().collect();
    let about = "network=neta node=n3 adapter=eth0 addr=10.77.1.3";
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[0].contains(" FIRING HATS-2103 adapter.down ") && lines[0].contains(about));
    assert!(lines[1].contains(" RESOLVED HATS-2103 by adapter.up ") && lines[1].contains(about));
    // A node and its two adapters, each with a line for its beginning and its end.
    lab.done("fault crash n1");
    let count = |words: &str| alerts().matches(words).count();
    wait_for("three lines that fire", || count(" FIRING ") == 4);
    assert_eq!(count("cause=node_down"), 3, "{}", alerts());
    lab.done("heal");
    wait_for("as many that end them", || count(" RESOLVED ") == 4);
    for (code, pairs) in [("HATS-3103", 1), ("HATS-2103", 3)] {
        assert_eq!(count(&format!(" FIRING {code} ")), pairs, "{}", alerts());
        assert_eq!(count(&format!(" RESOLVED {code} ")), pairs, "{}", alerts());
    }
    println!("rsyslog: {}", alerts());
}

#[test]
fn the_journal_finds_an_event_by_its_fields_and_explains_it() {
    const JOURNALD: &str = "/usr/lib/systemd/systemd-journald";
    if missing(&["unshare", "journalctl", JOURNALD]) {
        return;
    }
    let Some(hatsd) = place::program("hatsd") else { return };
    let here = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let output = Command::new("unshare")
        .args(["--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc", "sh"])
        .arg(here.join("tests/alerting/journald.sh"))
        .arg(hatsd)
        .arg(here.join("../../deploy/hats.catalog"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    if error.contains("Operation not permitted") || error.contains("must be superuser") {
        println!("skipped: {error}");
        return;
    }
    assert!(output.status.success(), "{said}{error}");
    for words in [
        "Subject: The daemon has started",
        "HATS-1002 daemon.started: node ",
        "What to do:",
        "\"MESSAGE_ID\":\"5c0bf1de2dfc4df984cda58ea464bd52\"",
        "\"HATS_CODE\":\"HATS-1002\"",
        "\"HATS_AUTHORITY\":\"true\"",
        "\"PRIORITY\":\"6\"",
    ] {
        assert!(said.contains(words), "{words} not in {said}");
    }
    assert!(!said.contains("\"F_"), "{said}");
    println!("journald: {}", said.lines().take(6).collect::<Vec<_>>().join("\n"));
}

#[test]
fn hats_exec_on_every_node_acts_once_in_the_cluster() {
    let Some(hats_exec) = place::program("hats-exec") else { return };
    let Some(lab) = Lab::up("exec") else { return };
    let place = Place::new("exec");
    let deeds = place.text("deeds");
    let script = format!("echo $HATS_EVENT $HATS_NODE $HATS_ADAPTER $HATS_CAUSE >> {deeds}");
    let running: Vec<Running> = lab
        .sockets()
        .enumerate()
        .map(|(node, socket)| {
            let config = place.text(&format!("{node}.toml"));
            let state = place.text(&format!("state{node}"));
            let text = format!(
                "state_dir = \"{state}\"\n[[action]]\nname = \"note\"\nlevel = \"error\"\n\
                 program = [\"/bin/sh\", \"-c\", '{script}']\n"
            );
            fs::write(&config, text).unwrap();
            let mut command = Command::new(&hats_exec);
            command.arg("--config").arg(config).arg("--socket").arg(socket);
            place.start(&format!("exec{node}"), &mut command)
        })
        .collect();
    wait_for("every hats-exec to be a subscriber", || lab.subscribers("hats-exec") == 3);
    let done = || fs::read_to_string(&deeds).unwrap_or_default();
    lab.done("fault n3 eth0 cut");
    wait_for("the deed for the fault", || done().contains("adapter.down"));
    lab.done("heal");
    wait_for("the deed for its end", || done().contains("adapter.up"));
    assert_eq!(done(), "adapter.down n3 eth0 both\nadapter.up n3 eth0\n");
    drop(running);
    println!("hats-exec: {}", done());
}
