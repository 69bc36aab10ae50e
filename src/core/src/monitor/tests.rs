use super::*;

const INTERVAL: Duration = Duration::from_millis(10);
const START: Timestamp = Timestamp(1_000_000_000);

fn after(micros: u64) -> Timestamp {
    START + Duration::from_micros(micros)
}

fn monitor() -> Monitor {
    Monitor::new(INTERVAL, 3, START)
}

fn heard_at_start() -> Monitor {
    let mut monitor = monitor();
    monitor.heard(START);
    monitor
}

#[test]
fn new_neighbour_waits_until_it_is_heard() {
    let mut monitor = monitor();
    assert_eq!(monitor.state(after(0)), NeighbourState::Waiting);
    assert_eq!(monitor.state(after(24_999)), NeighbourState::Waiting);
    monitor.heard(after(24_999));
    assert_eq!(monitor.state(after(24_999)), NeighbourState::Fresh);
}

#[test]
fn neighbour_is_fresh_just_before_one_and_a_half_intervals() {
    assert_eq!(heard_at_start().state(after(14_999)), NeighbourState::Fresh);
}

#[test]
fn neighbour_is_late_at_one_and_a_half_intervals() {
    assert_eq!(heard_at_start().state(after(15_000)), NeighbourState::Late);
}

#[test]
fn neighbour_is_only_late_just_before_the_detection_time() {
    assert_eq!(heard_at_start().state(after(29_999)), NeighbourState::Late);
}

#[test]
fn neighbour_is_silent_at_the_detection_time() {
    assert_eq!(heard_at_start().state(after(30_000)), NeighbourState::Silent);
}

#[test]
fn neighbour_never_heard_has_one_interval_more() {
    let monitor = monitor();
    assert_eq!(monitor.state(after(25_000)), NeighbourState::Late);
    assert_eq!(monitor.state(after(39_999)), NeighbourState::Late);
    assert_eq!(monitor.state(after(40_000)), NeighbourState::Silent);
}

#[test]
fn silent_neighbour_is_fresh_again_once_heard() {
    let mut monitor = heard_at_start();
    assert_eq!(monitor.state(after(50_000)), NeighbourState::Silent);
    monitor.heard(after(50_000));
    assert_eq!(monitor.state(after(50_000)), NeighbourState::Fresh);
}

#[test]
fn deadline_is_when_the_state_gets_worse() {
    let monitor = heard_at_start();
    assert_eq!(monitor.deadline(NeighbourState::Fresh), Some(after(15_000)));
    assert_eq!(monitor.deadline(NeighbourState::Late), Some(after(30_000)));
    assert_eq!(monitor.deadline(NeighbourState::Silent), None);
}

#[test]
fn silence_slept_through_does_not_count() {
    let mut monitor = heard_at_start();
    monitor.excuse(Duration::from_millis(100), after(115_000));
    assert_eq!(monitor.state(after(115_000)), NeighbourState::Late);
    assert_eq!(monitor.deadline(NeighbourState::Late), Some(after(130_000)));
    assert_eq!(monitor.last_heard(), START);
}

#[test]
fn excuse_never_reaches_into_the_future() {
    let mut monitor = heard_at_start();
    monitor.excuse(Duration::from_secs(9), after(1_000));
    assert_eq!(monitor.state(after(15_999)), NeighbourState::Fresh);
    assert_eq!(monitor.state(after(16_000)), NeighbourState::Late);
}

#[test]
fn excuse_does_not_shorten_the_grace_of_a_new_neighbour() {
    let mut monitor = monitor();
    monitor.excuse(Duration::from_millis(5), after(5_000));
    assert_eq!(monitor.state(after(39_999)), NeighbourState::Late);
    assert_eq!(monitor.state(after(40_000)), NeighbourState::Silent);
}

#[test]
fn missed_counts_whole_intervals() {
    let monitor = heard_at_start();
    assert_eq!(monitor.missed(after(9_999)), 0);
    assert_eq!(monitor.missed(after(10_000)), 1);
    assert_eq!(monitor.missed(after(30_000)), 3);
}

#[test]
fn nonsense_rhythm_is_still_a_rhythm() {
    let monitor = Monitor::new(Duration::ZERO, 0, START);
    assert_eq!(monitor.state(START), NeighbourState::Waiting);
    assert_eq!(monitor.missed(after(1)), 999);
}

#[test]
fn the_longest_silence_is_told_once_and_the_one_that_lasts_counts() {
    let mut monitor = heard_at_start();
    monitor.heard(after(12_000));
    monitor.heard(after(20_000));
    assert_eq!(monitor.take_gap_max(after(21_000)), Duration::from_micros(12_000));
    assert_eq!(monitor.take_gap_max(after(21_000)), Duration::from_micros(1_000), "begun anew");
    // A neighbour that says nothing more is silent longer each time.
    assert_eq!(monitor.take_gap_max(after(70_000)), Duration::from_micros(50_000));
}

#[test]
fn neither_the_time_before_the_first_datagram_nor_what_was_excused_is_a_gap() {
    let mut monitor = monitor();
    assert_eq!(monitor.take_gap_max(after(24_000)), Duration::ZERO);
    monitor.heard(after(24_000));
    monitor.excuse(Duration::from_micros(9_000), after(34_000));
    assert_eq!(monitor.take_gap_max(after(34_000)), Duration::from_micros(1_000));
}
