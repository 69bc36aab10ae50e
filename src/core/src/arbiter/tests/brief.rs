//! Where nothing is known to get lost, the first round asks as little as will do.

use hats_wire::{Confidence, Direction};

use super::*;
use crate::arbiter::case::Found;

/// A neighbour of whose heartbeats none was lost is late, and has not answered yet.
fn late(scene: &mut Scene, who: &[u8]) {
    for of in who {
        let last_heard = Timestamp(scene.now.0 - 375_000_000);
        let missed = Missed { last_heard, silent: false, steady: true };
        scene.with(|arbiter, now, around| {
            arbiter.missed(now, NETA, member(*of).address, missed, around);
        });
    }
    scene.acts();
}

/// What the round asks for that begins then.
fn begun(scene: &mut Scene) -> (Vec<Act>, Vec<(NodeId, ProbeRequest)>) {
    scene.run(detection().probe_timeout);
    let acts = scene.acts();
    let asked = requests(&acts);
    (acts, asked)
}

fn questions(acts: &[Act], target: IpAddr) -> Vec<(u32, bool)> {
    let to = |(_, probe): &(AdapterIndex, StartProbe)| probe.target == target;
    probes(acts).into_iter().filter(to).map(|(_, it)| (it.count, it.until_answered)).collect()
}

fn is_asked_once(act: &Act) -> bool {
    matches!(act, Act::Letter { once: true, .. })
}

#[test]
fn a_first_round_is_brief_where_no_heartbeat_was_lost() {
    let mut scene = Scene::of_five();
    late(&mut scene, &[4]);
    let (acts, asked) = begun(&mut scene);
    assert!(!asked.is_empty() && asked.iter().all(|(_, it)| it.brief && !it.doubts_itself));
    assert_eq!(questions(&acts, member(4).address), [(PROBES - 1, true)]);
    let of_arbiters = asked.iter().filter(|(to, _)| *to != node(4)).count();
    let company = probes(&acts).iter().filter(|(at, it)| *at == NETA && it.count == 1).count();
    assert_eq!(company, of_arbiters, "it asks the arbiters themselves, and nobody else");
    let letters = acts.iter().filter(|act| matches!(act, Act::Letter { .. }));
    assert!(letters.clone().all(is_asked_once), "{acts:?}");
}

#[test]
fn where_heartbeats_were_lost_a_first_round_asks_all() {
    let mut scene = Scene::of_five();
    scene.missed(4, false);
    scene.acts();
    let (acts, asked) = begun(&mut scene);
    assert!(asked.iter().all(|(_, it)| !it.brief));
    assert_eq!(questions(&acts, member(4).address), [(PROBES, false)]);
}

#[test]
fn what_a_brief_round_does_not_tell_is_asked_again_at_length() {
    let mut scene = Scene::of_five();
    late(&mut scene, &[4]);
    let (acts, asked) = begun(&mut scene);
    // All arbiters reach node 4 and the reporter: it is the path, or the network is
    // in parts that a brief round does not see.
    scene.finish(&acts, |_, target| target != member(4).address);
    for (to, request) in &asked {
        let reached: &[u8] = if *to == node(4) { &[] } else { &[3, 4] };
        scene.result(u8::try_from(to.0).unwrap(), request, reached);
    }
    scene.run(detection().heartbeat_interval);
    let again = requests(&scene.acts());
    assert!(!again.is_empty() && again.iter().all(|(_, it)| !it.brief), "{again:?}");
}

#[test]
fn a_node_is_not_said_to_be_gone_by_a_brief_round() {
    let mut scene = Scene::of_five();
    late(&mut scene, &[4]);
    let (acts, asked) = begun(&mut scene);
    scene.finish(&acts, |_, target| target == member(1).address || target == member(2).address);
    for (to, request) in asked.iter().filter(|(to, _)| *to != node(4)) {
        scene.result(u8::try_from(to.0).unwrap(), request, &[3]);
    }
    scene.run(detection().probe_timeout * 3 / 2);
    let mut acts = scene.acts();
    scene.missed(4, true);
    acts.extend(scene.acts());
    assert!(concluded(&acts).is_empty(), "it may have company beyond a split: {acts:?}");
    let again = requests(&acts);
    assert!(!again.is_empty() && again.iter().all(|(_, it)| !it.brief), "{again:?}");
}

#[test]
fn a_brief_round_blames_only_whom_it_has_looked_at() {
    let confidence = Confidence::High;
    let of = |culprit| Conclusion::Adapter { culprit, cause: Cause::Both, confidence };
    let found = |confirmed, doubted, conclusion: Conclusion| Found {
        completed: Timestamp(1),
        waited: detection().probe_timeout,
        patient: false,
        brief: true,
        confirmed,
        doubted,
        heard: true,
        conclusion,
        observations: vec![],
        arbiters: vec![],
        echoes: BTreeSet::new(),
        hosts_only: 0,
        stalled: false,
    };
    // The suspect, where an arbiter reaches the reporter; the reporter, where it was
    // looked at; nobody else, since a brief round sees no other side.
    assert!(found(true, false, of(Party::Suspect)).is_thorough());
    assert!(!found(false, true, of(Party::Suspect)).is_thorough());
    assert!(found(false, true, of(Party::Reporter)).is_thorough());
    assert!(!found(true, false, of(Party::Reporter)).is_thorough());
    let node = Conclusion::Node { cause: Cause::NodeDown, confidence };
    let path = Conclusion::Path { direction: Direction::Both };
    for other in [node, path, Conclusion::Network] {
        assert!(!found(true, true, other.clone()).is_thorough(), "{other:?}");
        assert!(Found { brief: false, ..found(false, false, other) }.is_thorough());
    }
    let node = Conclusion::Node { cause: Cause::NodeDown, confidence };
    let unheard = Found { brief: false, heard: false, ..found(true, true, node) };
    assert!(!unheard.is_thorough(), "an arbiter that was not heard may reach it");
}

/// The two that node 3 watches are late, and one is asked about: which, and whom.
fn two_late(scene: &mut Scene) -> (IpAddr, Vec<(NodeId, ProbeRequest)>) {
    let watched = scene.networks[0].2.neighbours().watch;
    let watched: Vec<u8> = watched.iter().map(|it| last(&member_at(*it))).collect();
    assert_eq!(watched.len(), 2);
    late(scene, &watched);
    let (_, asked) = begun(scene);
    let suspects: BTreeSet<IpAddr> = asked.iter().map(|(_, it)| it.suspect.address).collect();
    assert_eq!(suspects.len(), 1, "the second case waits for what the first one finds");
    assert!(asked.iter().all(|(_, it)| it.brief && it.doubts_itself));
    (asked[0].1.suspect.address, asked)
}

fn asks_about_another(acts: &[Act], first: IpAddr) -> bool {
    requests(acts).iter().any(|(_, it)| it.suspect.address != first)
}

#[test]
fn who_misses_all_it_watches_doubts_itself_and_asks_for_one_at_a_time() {
    let mut scene = Scene::of_five();
    let (first, _) = two_late(&mut scene);
    scene.run(detection().probe_timeout);
    assert!(!asks_about_another(&scene.acts(), first), "nobody has answered yet");
}

#[test]
fn the_second_case_begins_when_the_first_is_over() {
    let mut scene = Scene::of_five();
    let (first, _) = two_late(&mut scene);
    scene.arbiter.close(NETA, first);
    scene.run(Duration::ZERO);
    assert!(asks_about_another(&scene.acts(), first), "its heartbeats have come back");
}

#[test]
fn the_second_case_waits_on_while_the_first_says_that_it_is_the_reporter() {
    let mut scene = Scene::of_five();
    let (first, asked) = two_late(&mut scene);
    let suspect = last(&member_at(first));
    for (to, request) in &asked {
        let reached: &[u8] = if *to == node(suspect) { &[] } else { &[suspect] };
        scene.result(u8::try_from(to.0).unwrap(), request, reached);
    }
    scene.run(detection().probe_timeout);
    assert!(!asks_about_another(&scene.acts(), first));
    // That counts no more when it is old; the first one rests until it is silent.
    scene.run(detection().detection_time());
    assert!(asks_about_another(&scene.acts(), first));
}

fn member_at(address: IpAddr) -> Member {
    (1..=5).map(member).find(|member| member.address == address).expect("one of them")
}

#[test]
fn nobody_is_asked_anew_while_all_may_yet_answer() {
    let mut scene = Scene::of_five();
    late(&mut scene, &[4]);
    let (acts, asked) = begun(&mut scene);
    scene.finish(&acts, |_, target| target != member(4).address);
    scene.run(detection().probe_timeout);
    assert!(requests(&scene.acts()).is_empty(), "they have two and a half timeouts");
    for (to, request) in &asked {
        let reached: &[u8] = if *to == node(4) { &[] } else { &[3] };
        scene.result(u8::try_from(to.0).unwrap(), request, reached);
    }
    scene.missed(4, true);
    scene.run(detection().probe_timeout * 2);
    assert!(!concluded(&scene.acts()).is_empty(), "their answers count");
}

#[test]
fn an_arbiter_in_a_brief_round_gives_no_notice_to_a_reporter_that_nobody_doubts() {
    let told = |doubts_itself: bool| -> Vec<NodeId> {
        let mut scene = Scene::of_five();
        let request = ProbeRequest {
            case: CaseId::new(node(1), 1),
            round: 1,
            network: "neta".into(),
            reporter: member(1),
            suspect: member(4),
            timeout_us: 100_000,
            brief: true,
            doubts_itself,
        };
        scene.with(|arbiter, now, around| arbiter.asked(now, node(1), request, around));
        let notice = |letter: &Letter| matches!(letter, Letter::ProbeNotice(_)).then_some(());
        letters(&scene.acts(), notice).into_iter().map(|(to, ())| to).collect()
    };
    assert_eq!(told(false), [node(4)]);
    assert_eq!(told(true), [node(4), node(1)]);
}

#[test]
fn in_a_brief_round_what_was_found_just_now_is_found_for_the_next_who_asks() {
    let mut scene = Scene::of_five();
    let request = |case| ProbeRequest {
        case: CaseId::new(node(1), case),
        round: 1,
        network: "neta".into(),
        reporter: member(1),
        suspect: member(3),
        timeout_us: 100_000,
        brief: true,
        doubts_itself: false,
    };
    scene.with(|arbiter, now, around| arbiter.asked(now, node(1), request(1), around));
    let acts = scene.acts();
    scene.finish(&acts, |_, target| target == member(2).address);
    scene.acts();
    scene.with(|arbiter, now, around| arbiter.asked(now, node(1), request(2), around));
    assert!(probes(&scene.acts()).is_empty(), "all are still known");
    scene.run(Duration::ZERO);
    let said = results(&scene.acts());
    let reached = said[0].1.observations.iter().filter(|o| o.received > 0);
    let reached: Vec<IpAddr> = reached.map(|o| o.target_address).collect();
    assert_eq!(reached, [member(2).address]);
}
