use super::*;

fn start(icmp: bool, icmp_only: bool) -> Input {
    Input::Command(Command::StartProbe(StartProbe {
        id: 4,
        case: CaseId(8),
        target: address(2),
        count: 3,
        interval_ns: 1_000_000,
        timeout_ns: 10_000_000,
        icmp,
        icmp_only,
        size: 0,
        until_answered: false,
    }))
}

fn reply(sequence: u32) -> Input {
    from_2(Message::ProbeReply { case: CaseId(8), sequence, probe: 4, stalled: false })
}

fn done(bench: &mut Bench) -> Option<ProbeDone> {
    bench
        .reports()
        .into_iter()
        .find_map(|report| if let Report::ProbeDone(done) = report { Some(done) } else { None })
}

#[test]
fn probe_is_answered_at_once_and_the_daemon_told() {
    let mut bench = Bench::open();
    bench.at(9, from_2(Message::Probe { case: CaseId(3), sequence: 5, probe: 6, padding: 0 }));
    let effects = bench.effects.clone();
    assert_eq!(
        bench.sent(),
        [(
            Some(address(2)),
            Message::ProbeReply { case: CaseId(3), sequence: 5, probe: 6, stalled: false }
        )]
    );
    assert!(effects.contains(&Effect::Report(Report::ProbeSeen {
        at_ns: after(9).0,
        from: address(2),
        case: CaseId(3),
        sequence: 5,
        node_id: NodeId(2),
    })));
}

#[test]
fn probe_of_a_size_is_sent_whole_and_is_that_long() {
    let mut bench = Bench::open();
    let Input::Command(Command::StartProbe(spec)) = start(false, false) else { panic!("a probe") };
    bench.at(0, Input::Command(Command::StartProbe(StartProbe { size: 1_472, ..spec })));
    let whole = bench.effects.iter().find_map(|effect| {
        if let Effect::TransmitWhole { to, bytes } = effect {
            Some((*to, bytes.len()))
        } else {
            None
        }
    });
    assert_eq!(whole, Some((address(2), 1_472)));
}

#[test]
fn answer_to_a_probe_says_that_the_daemon_is_stalled() {
    let mut bench = Bench::open();
    bench.at(0, Input::Command(Command::Lease { duration_ns: 1_000_000 }));
    bench.at(1_000, from_2(Message::Probe { case: CaseId(3), sequence: 5, probe: 6, padding: 0 }));
    let sent = bench.sent();
    assert!(matches!(sent[..], [(_, Message::ProbeReply { stalled: true, .. })]), "{sent:?}");
}

#[test]
fn probe_is_over_when_all_answers_are_in() {
    let mut bench = Bench::open();
    bench.at(0, start(false, false));
    bench.at(300, reply(0));
    bench.run_until(2_000);
    bench.at(2_100, reply(1));
    assert_eq!(done(&mut bench), None);
    bench.at(2_200, reply(2));
    assert_eq!(
        done(&mut bench),
        Some(ProbeDone {
            id: 4,
            at_ns: after(2_200).0,
            sent: 3,
            received: 3,
            rtt_ns: 200_000,
            icmp_sent: 0,
            icmp_received: 0,
            stalled: false,
            heard: 3,
        })
    );
}

fn until_answered(icmp: bool) -> Input {
    let Input::Command(Command::StartProbe(spec)) = start(icmp, false) else { panic!("a probe") };
    Input::Command(Command::StartProbe(StartProbe { until_answered: true, ..spec }))
}

#[test]
fn probe_for_one_answer_asks_no_more_when_it_has_come() {
    let mut bench = Bench::open();
    bench.at(0, until_answered(false));
    bench.run_until(1_500);
    bench.take();
    bench.at(1_600, reply(1));
    assert_eq!(done(&mut bench), None, "the first question may yet be answered");
    bench.at(1_700, reply(0));
    let done = done(&mut bench).unwrap();
    assert_eq!((done.sent, done.received), (2, 2));
    bench.run_until(10_000);
    assert!(bench.sent().is_empty(), "the third question is not asked");
}

#[test]
fn probe_for_one_answer_asks_the_host_with_its_last_question_only() {
    let mut bench = Bench::open();
    let echoes = |bench: &mut Bench| {
        bench.take().iter().filter(|effect| matches!(effect, Effect::Echo { .. })).count()
    };
    bench.at(0, until_answered(true));
    bench.run_until(1_500);
    assert_eq!(echoes(&mut bench), 0, "hats may answer yet");
    bench.run_until(2_500);
    assert_eq!(echoes(&mut bench), 1);
    bench.run_until(10_000);
    let done = done(&mut bench).unwrap();
    assert_eq!((done.sent, done.icmp_sent), (3, 1));
}

#[test]
fn probe_without_answers_is_over_at_its_timeout_and_not_before() {
    let mut bench = Bench::open();
    bench.at(0, start(true, false));
    bench.run_until(9_999);
    assert_eq!(done(&mut bench), None);
    bench.run_until(10_000);
    let done = done(&mut bench).unwrap();
    assert_eq!((done.sent, done.received, done.rtt_ns), (3, 0, 0));
    assert_eq!((done.icmp_sent, done.icmp_received), (3, 0));
}

#[test]
fn answer_that_comes_twice_counts_once() {
    let mut bench = Bench::open();
    bench.at(0, start(false, false));
    for _ in 0..3 {
        bench.at(300, reply(0));
    }
    bench.run_until(10_000);
    let done = done(&mut bench).unwrap();
    assert_eq!((done.received, done.heard), (1, 3));
}

#[test]
fn answer_of_somebody_else_does_not_count() {
    let mut bench = Bench::open();
    bench.at(0, start(false, false));
    let forged = Message::ProbeReply { case: CaseId(8), sequence: 0, probe: 4, stalled: false };
    bench.at(300, datagram(3, CLUSTER, &forged));
    bench.run_until(10_000);
    assert_eq!(done(&mut bench).unwrap().received, 0);
}

#[test]
fn icmp_answers_count_beside_missing_hats_answers() {
    let mut bench = Bench::open();
    bench.at(0, start(true, false));
    let sequence = bench.take().into_iter().find_map(|effect| match effect {
        Effect::Echo { to, sequence } => Some((to, sequence)),
        Effect::Transmit { .. }
        | Effect::TransmitWhole { .. }
        | Effect::Report(_)
        | Effect::Arp { .. }
        | Effect::Exit => None,
    });
    let (to, sequence) = sequence.unwrap();
    assert_eq!(to, address(2));
    bench.at(100, Input::EchoReply { from: address(3), sequence });
    bench.at(100, Input::EchoReply { from: address(2), sequence });
    bench.at(100, Input::EchoReply { from: address(2), sequence });
    bench.run_until(10_000);
    let done = done(&mut bench).unwrap();
    assert_eq!((done.received, done.icmp_sent, done.icmp_received), (0, 3, 1));
}

#[test]
fn icmp_is_not_waited_for_where_hats_answers() {
    let mut bench = Bench::open();
    bench.at(0, start(true, false));
    bench.run_until(2_000);
    for sequence in 0..3 {
        bench.at(2_100, reply(sequence));
    }
    let done = done(&mut bench).unwrap();
    assert_eq!((done.received, done.icmp_sent, done.icmp_received), (3, 0, 0));
}

#[test]
fn reference_target_gets_icmp_only() {
    let mut bench = Bench::open();
    bench.at(0, start(true, true));
    bench.run_until(2_000);
    let effects = bench.take();
    assert!(!effects.iter().any(|effect| matches!(effect, Effect::Transmit { .. })));
    for effect in effects {
        if let Effect::Echo { to, sequence } = effect {
            bench.at(2_300, Input::EchoReply { from: to, sequence });
        }
    }
    let done = done(&mut bench).unwrap();
    assert_eq!((done.sent, done.icmp_sent, done.icmp_received), (0, 3, 3));
    assert_eq!(done.rtt_ns, 300_000);
}

#[test]
fn without_icmp_no_echo_is_claimed() {
    let mut bench = Bench::open();
    bench.at(0, Input::EchoAvailable(false));
    bench.at(0, start(true, false));
    bench.run_until(10_000);
    assert_eq!(done(&mut bench).unwrap().icmp_sent, 0);
}

#[test]
fn probe_on_a_closed_adapter_is_over_at_once() {
    let mut bench = Bench::open();
    bench.at(0, Input::LinkChanged(Link::default()));
    bench.at(0, start(false, false));
    assert_eq!(done(&mut bench).unwrap().sent, 0);
}

#[test]
fn probes_beyond_the_bound_are_over_at_once() {
    let mut bench = Bench::open();
    for id in 0..=256 {
        let Input::Command(Command::StartProbe(spec)) = start(false, false) else { unreachable!() };
        bench.at(0, Input::Command(Command::StartProbe(StartProbe { id, ..spec })));
    }
    assert_eq!(done(&mut bench).unwrap().id, 256);
}

#[test]
fn late_wake_asks_once_and_not_for_all_that_was_slept_through() {
    let mut bench = Bench::open();
    bench.at(0, start(false, false));
    bench.take();
    bench.at(5_000, Input::Wake);
    assert_eq!(bench.sent().len(), 1);
}

#[test]
fn an_answer_that_waited_for_a_late_prober_counts() {
    let mut bench = Bench::open();
    bench.at(0, start(false, false));
    // It gets the CPU long after the time of the probe: the answer is in the
    // socket, behind another datagram.
    bench.at(60_000, datagram(3, CLUSTER, &Message::LeaveAck { group: group(3) }));
    bench.at(60_000, reply(0));
    bench.at(60_000, Input::Wake);
    bench.run_until(200_000);
    assert_eq!(done(&mut bench).unwrap().received, 1);
}

#[test]
fn answers_of_a_stalled_nim_keep_no_neighbour_fresh() {
    let answer =
        |stalled| from_2(Message::ProbeReply { case: CaseId(8), sequence: 0, probe: 4, stalled });
    let mut bench = Bench::with_neighbour();
    bench.at(1_000, answer(false));
    assert_eq!(bench.states(), [NeighbourState::Fresh]);
    for at in (11_000..40_000).step_by(10_000) {
        bench.run_until(at);
        bench.at(at, answer(true));
    }
    assert_eq!(bench.states(), [NeighbourState::Late, NeighbourState::Silent]);
}

#[test]
fn an_answer_that_comes_after_the_time_of_a_probe_is_told_once_within_a_detection_time() {
    let detection = config().heartbeat_interval_ns / 1_000 * u64::from(config().sensitivity);
    for (at, told) in [(10_000 + detection, true), (10_001 + detection, false)] {
        let mut bench = Bench::open();
        bench.at(0, start(false, false));
        bench.run_until(10_000);
        assert_eq!(done(&mut bench).map(|done| done.received), Some(0));
        // Whatever comes first then shows that the time is over.
        bench.at(at, Input::Wake);
        bench.take();
        bench.at(at, reply(1));
        let late = done(&mut bench);
        assert_eq!(late.as_ref().map(|late| late.received), told.then_some(1), "at {at}");
        assert!(late.is_none_or(|late| late.rtt_ns > 10_000_000));
        bench.at(at, reply(2));
        assert_eq!(done(&mut bench), None, "once");
    }
}

#[test]
fn a_probe_of_a_nim_that_is_always_late_ends() {
    let mut bench = Bench::open();
    bench.at(0, start(false, false));
    for wakes in 1..100 {
        let Some((due, _)) = bench.machine.next_deadline() else { panic!("nothing is due") };
        // A beat of another kind is due each time before the probe is over.
        bench.at((due.0 - after(0).0) / 1_000 + 9_000, Input::Wake);
        if done(&mut bench).is_some() {
            assert!(wakes <= 8, "{wakes}");
            return;
        }
    }
    panic!("it never ends");
}
