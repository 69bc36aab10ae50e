use super::*;

fn sequences(sent: &[(Option<IpAddr>, Message)]) -> Vec<u64> {
    sent.iter()
        .filter_map(|(_, message)| {
            if let Message::Heartbeat { sequence, .. } = message { Some(*sequence) } else { None }
        })
        .collect()
}

#[test]
fn newly_fed_get_their_first_beat_at_once() {
    let mut bench = Bench::open();
    bench.at(0, watch(&[2], &[]));
    assert_eq!(bench.sent(), [(Some(address(2)), beat(1))]);
    bench.at(3_000, watch(&[2, 3], &[]));
    let sent = bench.sent();
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].0, Some(address(3)));
}

#[test]
fn beats_keep_an_absolute_schedule() {
    let mut bench = Bench::open();
    bench.at(0, watch(&[2], &[]));
    for tick in 1..=5 {
        let (at, why) = bench.machine.next_deadline().unwrap();
        if why == Deadline::Statistics {
            bench.at(0, Input::Wake);
            continue;
        }
        assert_eq!((at, why), (after((tick - 1) * 10_000), Deadline::Beat));
        bench.at((tick - 1) * 10_000 + 900, Input::Wake);
    }
}

#[test]
fn late_wake_sends_one_beat_and_not_those_slept_through() {
    let mut bench = Bench::open();
    bench.at(0, watch(&[2], &[]));
    bench.take();
    bench.at(57_000, Input::Wake);
    assert_eq!(bench.sent().len(), 1);
    let beat = bench.machine.next_deadline().unwrap();
    assert_eq!(beat, (after(60_000), Deadline::Beat));
}

#[test]
fn sequence_grows_by_one_with_each_beat() {
    let mut bench = Bench::open();
    bench.at(0, watch(&[2], &[]));
    bench.run_until(35_000);
    assert_eq!(sequences(&bench.sent()), [1, 2, 3, 4]);
}

#[test]
fn nobody_is_fed_on_a_closed_adapter_and_everybody_once_it_opens() {
    let mut bench = Bench::open();
    bench.at(0, Input::LinkChanged(Link::default()));
    bench.at(0, watch(&[2, 3], &[]));
    bench.run_until(50_000);
    assert_eq!(bench.sent(), []);
    bench.at(52_000, Input::LinkChanged(Link { open: true, ..Link::default() }));
    assert_eq!(bench.sent().len(), 2);
}

#[test]
fn watch_of_nobody_stops_the_beats() {
    let mut bench = Bench::with_neighbour();
    bench.at(1_000, watch(&[], &[]));
    bench.run_until(5_000_000);
    assert_eq!(bench.sent(), []);
    assert_eq!(bench.machine.next_deadline(), None);
}

#[test]
fn neighbour_goes_from_waiting_to_fresh_to_late_to_silent_and_back() {
    let mut bench = Bench::with_neighbour();
    bench.at(5_000, from_2(beat(1)));
    bench.run_until(100_000);
    bench.at(100_000, from_2(beat(1)));
    assert_eq!(
        bench.states(),
        [
            NeighbourState::Fresh,
            NeighbourState::Late,
            NeighbourState::Silent,
            NeighbourState::Fresh
        ]
    );
}

#[test]
fn silence_is_reported_when_it_is_complete_and_not_before() {
    let mut bench = Bench::with_neighbour();
    bench.at(5_000, from_2(beat(1)));
    bench.run_until(34_999);
    assert_eq!(bench.states(), [NeighbourState::Fresh, NeighbourState::Late]);
    bench.run_until(35_000);
    assert_eq!(bench.states(), [NeighbourState::Silent]);
}

#[test]
fn silence_names_when_the_neighbour_was_last_heard_and_what_is_missing() {
    let mut bench = Bench::with_neighbour();
    bench.at(5_000, from_2(beat(1)));
    bench.take();
    bench.run_until(35_000);
    let reports = bench.reports();
    assert_eq!(
        reports.last(),
        Some(&Report::Neighbour(Neighbour {
            at_ns: after(35_000).0,
            address: address(2),
            state: NeighbourState::Silent,
            last_heard_ns: after(5_000).0,
            missed: 3,
            stalled: false,
            steady: false,
        }))
    );
}

#[test]
fn steady_neighbour_is_reported_once() {
    let mut bench = Bench::with_neighbour();
    bench.hear_until(5_000, 2_000_000);
    assert_eq!(bench.states(), [NeighbourState::Fresh]);
}

#[test]
fn any_datagram_of_a_neighbour_counts_as_heard() {
    let mut bench = Bench::with_neighbour();
    bench.at(5_000, from_2(Message::PrepareAck { group: group(1), have: None }));
    assert_eq!(bench.states(), [NeighbourState::Fresh]);
}

#[test]
fn neighbour_that_is_kept_keeps_its_history() {
    let mut bench = Bench::with_neighbour();
    bench.at(5_000, from_2(beat(1)));
    bench.run_until(20_000);
    bench.take();
    bench.at(20_000, watch(&[2], &[2, 3]));
    bench.run_until(35_000);
    assert_eq!(bench.states(), [NeighbourState::Silent]);
}

#[test]
fn lease_that_runs_out_says_stalled_and_then_silences_the_beats() {
    let mut bench = Bench::with_neighbour();
    let lease = Command::Lease { duration_ns: 25_000_000 };
    bench.at(0, Input::Command(lease.clone()));
    bench.run_until(200_000);
    let stalled: Vec<bool> = bench
        .sent()
        .into_iter()
        .filter_map(|(_, message)| {
            if let Message::Heartbeat { stalled, .. } = message { Some(stalled) } else { None }
        })
        .collect();
    assert_eq!(stalled, [false, false, true, true], "at 10, 20, 30 and 40 ms");
    bench.at(200_000, Input::Command(lease));
    bench.run_until(210_000);
    assert_eq!(bench.sent().len(), 1, "renewed");
}

#[test]
fn new_rhythm_is_taken_at_once() {
    let mut bench = Bench::with_neighbour();
    let slow = Configure { heartbeat_interval_ns: 50_000_000, ..config() };
    bench.at(1_000, Input::Command(Command::Configure(slow)));
    bench.run_until(10_000);
    bench.take();
    bench.run_until(59_999);
    assert_eq!(bench.sent().len(), 0);
    bench.run_until(60_000);
    assert_eq!(bench.sent().len(), 1);
}
