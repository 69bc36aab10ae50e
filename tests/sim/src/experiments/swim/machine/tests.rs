use std::time::Duration;

use super::*;

const ME: Id = 0;

fn ms(millis: u64) -> Timestamp {
    Timestamp(millis * 1_000_000)
}

/// Member 0 of so many, whose timers all begin at 0.
fn member(members: usize) -> Machine {
    let settings = Settings { staggered: false, ..Settings::default() };
    Machine::new(ME, members, settings, 1, ms(0))
}

fn sent(machine: &mut Machine) -> Vec<(Id, Rc<Datagram>)> {
    let effects = machine.drain().into_iter();
    effects
        .filter_map(|effect| match effect {
            Effect::Send { to, datagram } => Some((to, datagram)),
            Effect::Publish(_) => None,
        })
        .collect()
}

fn published(machine: &mut Machine) -> Vec<Event> {
    let effects = machine.drain().into_iter();
    effects
        .filter_map(|effect| match effect {
            Effect::Send { .. } => None,
            Effect::Publish(event) => Some(event),
        })
        .collect()
}

fn give(machine: &mut Machine, at: Timestamp, from: Id, message: Message, updates: &[Update]) {
    let datagram = Rc::new(Datagram { message, updates: updates.to_vec() });
    machine.handle(at, Input::Received { from, datagram });
}

fn update(member: Id, incarnation: u32, status: Status) -> Update {
    Update { member, incarnation, status }
}

/// Whom it pinged at `at`, and with which sequence number.
fn pinged(machine: &mut Machine, at: Timestamp) -> (Id, u32) {
    machine.handle(at, Input::Wake);
    let pings = sent(machine).into_iter().filter_map(|(to, datagram)| {
        if let Message::Ping { sequence } = datagram.message { Some((to, sequence)) } else { None }
    });
    pings.last().expect("it pings somebody")
}

#[test]
fn a_ping_is_answered_with_its_sequence_number() {
    let mut machine = member(4);
    give(&mut machine, ms(1), 2, Message::Ping { sequence: 77 }, &[]);
    let sent = sent(&mut machine);
    assert_eq!(sent.len(), 1);
    assert_eq!((sent[0].0, &sent[0].1.message), (2, &Message::Ack { sequence: 77 }));
}

#[test]
fn every_member_is_probed_once_a_round_in_an_order_that_changes() {
    let mut machine = member(9);
    let mut rounds: Vec<Vec<Id>> = Vec::new();
    for round in 0..2 {
        let mut order = Vec::new();
        for tick in 0..8 {
            let at = ms((round * 8 + tick) * 1_000);
            let (target, sequence) = pinged(&mut machine, at);
            give(&mut machine, at, target, Message::Ack { sequence }, &[]);
            order.push(target);
        }
        rounds.push(order);
    }
    for round in &rounds {
        let mut members = round.clone();
        members.sort_unstable();
        assert_eq!(members, (1..9).collect::<Vec<Id>>());
    }
    assert_ne!(rounds[0], rounds[1]);
}

#[test]
fn an_unanswered_ping_is_tried_through_three_others_and_then_suspected() {
    let mut machine = member(6);
    let (target, sequence) = pinged(&mut machine, ms(0));
    machine.handle(ms(499), Input::Wake);
    let requests = |sent: Vec<(Id, Rc<Datagram>)>| {
        let asked = Message::PingRequest { sequence, target };
        sent.into_iter().filter(|it| it.1.message == asked).map(|it| it.0).collect::<Vec<Id>>()
    };
    assert!(requests(sent(&mut machine)).is_empty());
    machine.handle(ms(500), Input::Wake);
    let asked = requests(sent(&mut machine));
    assert_eq!(asked.len(), 3);
    assert!(!asked.contains(&target) && !asked.contains(&ME));
    machine.handle(ms(999), Input::Wake);
    assert_eq!(machine.belief(target).0, Status::Alive);
    machine.handle(ms(1_000), Input::Wake);
    assert_eq!(machine.belief(target).0, Status::Suspect);
    assert_eq!(published(&mut machine), [Event::Suspected(target)]);
}

#[test]
fn an_answer_through_another_member_ends_the_probe() {
    let mut machine = member(6);
    let (target, sequence) = pinged(&mut machine, ms(0));
    machine.handle(ms(500), Input::Wake);
    let helper = sent(&mut machine)[0].0;
    give(&mut machine, ms(700), helper, Message::Ack { sequence }, &[]);
    machine.handle(ms(1_000), Input::Wake);
    assert_eq!(machine.belief(target).0, Status::Alive);
}

#[test]
fn who_is_asked_to_ping_passes_the_answer_on_under_the_askers_number() {
    let mut machine = member(4);
    give(&mut machine, ms(1), 1, Message::PingRequest { sequence: 40, target: 3 }, &[]);
    let ping = sent(&mut machine);
    let Message::Ping { sequence } = ping[0].1.message else { panic!("{ping:?}") };
    assert_eq!(ping[0].0, 3);
    give(&mut machine, ms(2), 3, Message::Ack { sequence }, &[]);
    let ack = sent(&mut machine);
    assert_eq!((ack[0].0, &ack[0].1.message), (1, &Message::Ack { sequence: 40 }));
}

#[test]
fn a_suspect_that_does_not_refute_is_dead_after_the_suspicion_and_not_before() {
    let mut machine = member(8);
    give(&mut machine, ms(0), 1, Message::Gossip, &[update(5, 0, Status::Suspect)]);
    assert_eq!(machine.next_deadline().unwrap().1, Deadline::Probe);
    machine.handle(ms(4_999), Input::Wake);
    assert_eq!(machine.belief(5).0, Status::Suspect);
    machine.drain();
    machine.handle(ms(5_000), Input::Wake);
    assert_eq!(machine.belief(5).0, Status::Dead);
    assert!(published(&mut machine).contains(&Event::Failed(5)));
}

#[test]
fn only_a_higher_incarnation_clears_a_suspicion() {
    let mut machine = member(8);
    give(&mut machine, ms(0), 1, Message::Gossip, &[update(5, 3, Status::Suspect)]);
    give(&mut machine, ms(1), 1, Message::Gossip, &[update(5, 3, Status::Alive)]);
    assert_eq!(machine.belief(5), (Status::Suspect, 3));
    give(&mut machine, ms(2), 1, Message::Gossip, &[update(5, 4, Status::Alive)]);
    assert_eq!(machine.belief(5), (Status::Alive, 4));
    machine.handle(ms(6_000), Input::Wake);
    assert_ne!(machine.belief(5).0, Status::Dead);
    // An older suspicion that comes late changes nothing.
    give(&mut machine, ms(6_001), 1, Message::Gossip, &[update(5, 3, Status::Suspect)]);
    assert_eq!(machine.belief(5).1, 4);
}

#[test]
fn who_hears_that_it_is_suspected_refutes_with_a_higher_incarnation() {
    let mut machine = member(8);
    give(&mut machine, ms(1), 1, Message::Ping { sequence: 1 }, &[update(ME, 6, Status::Suspect)]);
    let ack = sent(&mut machine);
    assert_eq!(ack[0].1.updates, [update(ME, 7, Status::Alive)]);
    give(&mut machine, ms(2), 1, Message::Ping { sequence: 2 }, &[update(ME, 7, Status::Dead)]);
    assert_eq!(sent(&mut machine)[0].1.updates, [update(ME, 8, Status::Alive)]);
    assert!(published(&mut machine).is_empty());
}

#[test]
fn the_dead_return_with_a_higher_incarnation_only() {
    let mut machine = member(8);
    give(&mut machine, ms(0), 1, Message::Gossip, &[update(5, 0, Status::Dead)]);
    give(&mut machine, ms(1), 1, Message::Gossip, &[update(5, 0, Status::Alive)]);
    assert_eq!(machine.belief(5).0, Status::Dead);
    give(&mut machine, ms(2), 1, Message::Gossip, &[update(5, 1, Status::Alive)]);
    assert_eq!(published(&mut machine), [Event::Failed(5), Event::Returned(5)]);
}

#[test]
fn news_travel_on_pings_and_acks_as_often_as_the_logarithm_says() {
    let mut machine = member(8);
    give(&mut machine, ms(0), 1, Message::Gossip, &[update(5, 0, Status::Suspect)]);
    let mut times = 0;
    for sequence in 0..20 {
        give(&mut machine, ms(1), 2, Message::Ping { sequence }, &[]);
        times += sent(&mut machine)[0].1.updates.len();
    }
    // 4 x ceil(log10(9)).
    assert_eq!(times, 4);
}

#[test]
fn gossip_goes_to_three_members_while_there_is_news_and_to_nobody_else() {
    let mut machine = member(64);
    let (target, sequence) = pinged(&mut machine, ms(100));
    give(&mut machine, ms(101), target, Message::Ack { sequence }, &[]);
    give(&mut machine, ms(150), 1, Message::Gossip, &[update(5, 0, Status::Suspect)]);
    let gossips = |machine: &mut Machine, at| {
        machine.handle(ms(at), Input::Wake);
        let sent = sent(machine).into_iter();
        sent.filter(|(_, datagram)| datagram.message == Message::Gossip).count()
    };
    // Eight times in all, three each time.
    assert_eq!([200, 400, 600, 800].map(|at| gossips(&mut machine, at)), [3, 3, 2, 0]);
}

#[test]
fn another_members_dead_are_only_suspected_after_a_full_exchange() {
    let mut machine = member(8);
    let entries: Rc<[Update]> = (0..8)
        .map(|id| update(id, 0, if id == 5 { Status::Dead } else { Status::Alive }))
        .collect();
    give(&mut machine, ms(0), 1, Message::State { entries, answer_wanted: true }, &[]);
    assert_eq!(machine.belief(5).0, Status::Suspect);
    let answer = sent(&mut machine);
    let Message::State { entries, answer_wanted: false } = &answer[0].1.message else {
        panic!("{answer:?}")
    };
    assert_eq!(entries[5].status, Status::Suspect);
}

#[test]
fn a_blocked_member_pings_once_and_suspects_its_target_when_it_goes_on() {
    let mut machine = member(8);
    machine.handle(ms(0), Input::Blocked(true));
    let (target, _) = pinged(&mut machine, ms(0));
    for at in 1..10 {
        machine.handle(ms(at * 1_000), Input::Wake);
        assert!(sent(&mut machine).is_empty(), "at {at} s");
    }
    machine.handle(ms(9_500), Input::Blocked(false));
    machine.handle(ms(9_500), Input::Wake);
    assert_eq!(machine.belief(target).0, Status::Suspect);
}

#[test]
fn the_suspicions_of_a_blocked_member_run_out() {
    let mut machine = member(8);
    give(&mut machine, ms(0), 1, Message::Gossip, &[update(5, 0, Status::Suspect)]);
    machine.handle(ms(1), Input::Blocked(true));
    machine.handle(ms(5_000), Input::Wake);
    assert!(published(&mut machine).contains(&Event::Failed(5)));
}

#[test]
fn ticks_that_were_slept_through_are_one() {
    let every = Duration::from_secs(1);
    assert_eq!(after(ms(1_000), every, ms(1_000)), ms(2_000));
    assert_eq!(after(ms(1_000), every, ms(1_999)), ms(2_000));
    assert_eq!(after(ms(1_000), every, ms(7_300)), ms(8_000));
}
