//! Real processes: small scripts in place of the NIM.

use std::{future::poll_fn, net::IpAddr, time::Instant};

use super::*;
use crate::{clock, config::Settings, discovery};

const ADAPTER: AdapterIndex = AdapterIndex(4);
const WELL: Duration = Duration::from_secs(20);

fn program(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/nim/testdata").join(name)
}

fn spec() -> AdapterSpec {
    let address = discovery::Address {
        address: "10.0.0.1".parse::<IpAddr>().unwrap(),
        prefix_length: 24,
        temporary: false,
        tentative: false,
    };
    let eth0 = discovery::Interface {
        index: 2,
        name: "eth0".to_owned(),
        mac: vec![2; 6],
        addresses: vec![address],
        ..discovery::Interface::default()
    };
    discovery::plan(&Settings::default(), &[eth0]).adapters.remove(0)
}

fn nims(name: &str) -> Nims {
    let mut nims = Nims::new(program(name), Duration::from_millis(30));
    nims.add(ADAPTER, spec(), clock::now());
    nims
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime
        .enable_all()
        .build()
        .unwrap()
        .block_on(async { tokio::time::timeout(WELL, future).await.expect("it hangs") })
}

/// Goes round until there is an input, as the driver does; time flies.
async fn next(nims: &mut Nims, now: Timestamp) -> Vec<Input> {
    loop {
        let inputs = nims.collect(now);
        if !inputs.is_empty() {
            return inputs;
        }
        poll_fn(|cx| nims.poll_ready(cx)).await;
    }
}

fn death(inputs: &[Input]) -> (u32, &str) {
    let Input::NimDied { adapter: ADAPTER, pid, how } = &inputs[0] else { panic!("{inputs:?}") };
    (*pid, how)
}

#[test]
fn a_nim_that_dies_is_reported_and_started_again_at_once_then_later() {
    block_on(async {
        let mut nims = nims("dies");
        let now = clock::now();
        assert_eq!(next(&mut nims, now).await, [Input::NimStarted { adapter: ADAPTER }]);
        let pid = nims.facts()[0].pid.unwrap();
        let inputs = next(&mut nims, now).await;
        assert_eq!(death(&inputs), (pid, "exited with status 3"));
        assert_eq!(inputs[1], Input::NimStarted { adapter: ADAPTER });
        let second = next(&mut nims, now).await;
        assert_eq!(second.len(), 1, "it rests now: {second:?}");
        assert_eq!(nims.next_deadline(), Some(now + Duration::from_millis(100)));
        assert_eq!(nims.facts()[0].pid, None);
        let later = now + Duration::from_millis(100);
        assert_eq!(next(&mut nims, later).await, [Input::NimStarted { adapter: ADAPTER }]);
        assert_eq!(nims.facts()[0].restarts, 2);
    });
}

#[test]
fn a_nim_that_says_what_is_no_report_is_killed() {
    block_on(async {
        let mut nims = nims("babbles");
        let now = clock::now();
        next(&mut nims, now).await;
        let inputs = next(&mut nims, now).await;
        let (_, how) = death(&inputs);
        assert!(how.contains("killed by signal 9, because it sent what is no report"), "{how}");
    });
}

#[test]
fn a_nim_that_takes_no_commands_blocks_nobody_and_is_killed_as_stuck() {
    block_on(async {
        let mut nims = nims("deaf");
        let now = clock::now();
        next(&mut nims, now).await;
        let command = Command::Send { to: None, datagram: vec![0; 1200] };
        let began = Instant::now();
        for _ in 0..2_000 {
            nims.send(ADAPTER, &command, now);
        }
        assert!(began.elapsed() < Duration::from_secs(5));
        assert!(nims.facts()[0].dropped > 0, "the queue is bounded");
        assert_eq!(nims.next_deadline(), Some(now + STUCK_MIN));
        assert_eq!(nims.collect(Timestamp((now + STUCK_MIN).0 - 1)), []);
        let inputs = next(&mut nims, now + STUCK_MIN).await;
        let (_, how) = death(&inputs);
        assert!(how.ends_with("because it did not take its commands for 1.0 s"), "{how}");
    });
}

#[test]
fn a_program_that_is_not_there_is_said_once_and_tried_again() {
    block_on(async {
        let mut nims = nims("no-such-program");
        let now = clock::now();
        let inputs = nims.collect(now);
        let (pid, how) = death(&inputs);
        assert_eq!(pid, 0);
        assert!(how.contains("cannot be started"), "{how}");
        assert_eq!(nims.collect(now), [], "an immediate retry, of which nothing is said");
        assert_eq!(nims.next_deadline(), Some(now + Duration::from_millis(100)));
    });
}

#[test]
fn commands_for_a_nim_that_does_not_run_are_dropped() {
    let mut nims = nims("dies");
    nims.send(ADAPTER, &Command::Shutdown, clock::now());
    nims.send(AdapterIndex(99), &Command::Shutdown, clock::now());
    assert_eq!(nims.facts()[0].pid, None);
}

#[test]
fn all_nims_end_with_the_daemon_also_those_that_do_not_listen() {
    block_on(async {
        for name in ["listens", "deaf"] {
            let mut nims = nims(name);
            let now = clock::now();
            next(&mut nims, now).await;
            let pid = nims.facts()[0].pid.unwrap();
            nims.leave(now).await;
            assert!(!Path::new(&format!("/proc/{pid}")).exists(), "{name}");
        }
    });
}

#[test]
fn only_an_executable_file_is_taken_for_the_nim() {
    assert!(is_program(&program("deaf")));
    assert!(!is_program(&program("")));
    assert!(!is_program(&program("../tests.rs")));
    assert!(!is_program(&program("no-such-program")));
}
