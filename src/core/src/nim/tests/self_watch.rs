use super::*;

fn lates(reports: &[Report]) -> Vec<u64> {
    reports
        .iter()
        .filter_map(|report| {
            if let Report::Late { lateness_ns, .. } = report { Some(*lateness_ns) } else { None }
        })
        .collect()
}

#[test]
fn silence_slept_through_is_not_the_neighbours() {
    let mut bench = Bench::with_neighbour();
    bench.at(5_000, from_2(beat(1)));
    bench.take();
    // The beat at 10 ms was promised; the process got no time until 110 ms.
    bench.at(110_000, Input::Wake);
    assert_eq!(bench.states(), []);
    bench.run_until(140_000);
    assert_eq!(bench.states(), [NeighbourState::Late, NeighbourState::Silent]);
}

#[test]
fn lateness_is_told() {
    let mut bench = Bench::with_neighbour();
    bench.run_until(10_000);
    bench.take();
    bench.at(40_000, Input::Wake);
    assert_eq!(lates(&bench.reports()), [] as [u64; 0], "20 ms exactly");
    bench.run_until(50_000);
    bench.at(80_001, Input::Wake);
    assert_eq!(lates(&bench.reports()), [20_001_000]);
}

#[test]
fn one_lateness_is_counted_once_however_many_inputs_waited() {
    let mut bench = Bench::with_neighbour();
    bench.at(5_000, from_2(beat(1)));
    bench.run_until(10_000);
    bench.take();
    for _ in 0..5 {
        bench.at(100_000, from_2(beat(1)));
    }
    bench.at(100_000, Input::Wake);
    assert_eq!(lates(&bench.reports()).len(), 1);
}

#[test]
fn what_waited_in_the_sockets_counts_before_what_is_missing() {
    let mut bench = Bench::with_neighbour();
    bench.at(5_000, from_2(beat(1)));
    bench.take();
    bench.at(300_000, from_2(beat(1)));
    bench.at(300_000, Input::Wake);
    assert_eq!(bench.states(), []);
}

#[test]
fn statistics_come_once_a_second_while_something_changes() {
    let mut bench = Bench::with_neighbour();
    bench.hear_until(5_000, 3_000_000);
    let reports = bench.take();
    let count = |effects: &[Effect]| {
        effects
            .iter()
            .filter(|effect| matches!(effect, Effect::Report(Report::Statistics(_))))
            .count()
    };
    assert!((3..=4).contains(&count(&reports)), "{}", count(&reports));
    let statistics = statistics(&reports);
    assert_eq!(statistics.heard.len(), 1);
    assert_eq!(statistics.heartbeats_missed, 0);
    assert!(statistics.heartbeats_sent >= 200 && statistics.heartbeats_received >= 200);
}

#[test]
fn missed_beats_are_counted_while_missing_and_kept_afterwards() {
    let mut bench = Bench::with_neighbour();
    bench.at(5_000, from_2(beat(1)));
    bench.run_until(55_000);
    bench.hear_until(55_000, 2_000_000);
    assert_eq!(statistics(&bench.take()).heartbeats_missed, 5);
}

#[test]
fn each_renewal_of_the_lease_is_answered_though_nothing_has_changed() {
    let mut bench = Bench::open();
    bench.run_until(1_500_000);
    bench.take();
    bench.at(1_600_000, Input::Command(Command::Lease { duration_ns: 2_000_000_000 }));
    bench.run_until(1_700_000);
    statistics(&bench.take());
}
