use super::*;

/// Begins a round about node 4 and gives what it asks for.
fn round(scene: &mut Scene) -> (Vec<Act>, Vec<(NodeId, ProbeRequest)>) {
    scene.missed(4, true);
    let acts = scene.acts();
    let asked = requests(&acts);
    (acts, asked)
}

/// The round ends: all but node 4 answer, and say that it does not.
fn ends(scene: &mut Scene, acts: &[Act], asked: &[(NodeId, ProbeRequest)]) {
    scene.finish(acts, |_, target| target != member(4).address && target != on(NETB, 4).address);
    for (to, request) in asked.iter().filter(|(to, _)| *to != node(4)) {
        scene.result(u8::try_from(to.0).expect("small"), request, &[3]);
    }
    scene.run(detection().probe_timeout * 3 / 2);
}

fn waits(acts: &[Act]) -> Vec<Duration> {
    probes(acts).iter().map(|(_, it)| Duration::from_nanos(it.timeout_ns)).collect()
}

/// The probe of node 4 on netb.
fn second_probe(acts: &[Act]) -> StartProbe {
    let of_four =
        |(at, it): &(AdapterIndex, StartProbe)| *at == NETB && it.target == on(NETB, 4).address;
    probes(acts).into_iter().find(of_four).expect("it is probed there").1
}

#[test]
fn silence_of_all_that_is_probed_is_reported_without_a_longer_wait() {
    let mut scene = Scene::of_five();
    let (acts, asked) = round(&mut scene);
    assert!(waits(&acts).iter().all(|wait| *wait == detection().probe_timeout));
    ends(&mut scene, &acts, &asked);
    let said = concluded(&scene.acts());
    assert!(matches!(said[0].conclusion, Conclusion::Node { .. }), "{said:?}");
}

#[test]
fn an_answer_that_comes_late_voids_the_round_and_the_next_one_waits_for_it() {
    let mut scene = Scene::of_five();
    let (acts, asked) = round(&mut scene);
    ends(&mut scene, &acts, &asked);
    assert_eq!(concluded(&scene.acts()).len(), 1, "reported, not decided");
    scene.done(&second_probe(&acts), 1);
    scene.run(ms(1));
    let next = scene.acts();
    assert!(concluded(&next).is_empty(), "it is not said again");
    assert!(!waits(&next).is_empty());
    assert!(waits(&next).iter().all(|wait| *wait == detection().detection_time()));
    assert!(requests(&next).iter().all(|(_, it)| it.timeout_us == 1_000_000));
    // Now it answers in time, on netb.
    let (acts, asked) = (next.as_slice(), requests(&next));
    scene.finish(acts, |_, target| target != member(4).address);
    for (to, request) in &asked {
        let reached: &[u8] = if *to == node(4) { &[] } else { &[3] };
        scene.result(u8::try_from(to.0).expect("small"), request, reached);
    }
    let said = concluded(&scene.acts());
    assert!(matches!(said[0].conclusion, Conclusion::Adapter { .. }), "{said:?}");
    assert_eq!(said[0].silent.waited_us, 1_000_000);
}

#[test]
fn a_result_that_comes_late_makes_the_next_round_wait() {
    let mut scene = Scene::of_five();
    let (acts, asked) = round(&mut scene);
    let late = &asked.iter().find(|(to, _)| *to == node(2)).expect("it is asked").1;
    scene.finish(&acts, |network, target| network == NETB || target != member(4).address);
    for (to, request) in asked.iter().filter(|(to, _)| *to != node(2)) {
        let reached: &[u8] = if *to == node(4) { &[] } else { &[3] };
        scene.result(u8::try_from(to.0).expect("small"), request, reached);
    }
    scene.run(detection().probe_timeout * 3 / 2);
    assert_eq!(concluded(&scene.acts()).len(), 1, "reported, not decided");
    scene.result(2, late, &[3, 4]);
    scene.run(ms(1));
    assert!(waits(&scene.acts()).iter().any(|wait| *wait == detection().detection_time()));
}

#[test]
fn a_copy_of_a_result_is_not_late() {
    let mut scene = Scene::of_five();
    let (acts, asked) = round(&mut scene);
    ends(&mut scene, &acts, &asked);
    scene.acts();
    scene.result(5, &asked[0].1, &[3]);
    scene.run(ms(1));
    assert!(scene.acts().is_empty());
}

#[test]
fn one_that_answered_a_moment_ago_is_not_silent_before_a_longer_wait() {
    let mut scene = Scene::of_five();
    scene.missed(4, false);
    scene.run(detection().probe_timeout);
    let acts = scene.acts();
    scene.finish(&acts, |_, target| target != member(4).address);
    scene.run(detection().probe_timeout * 2);
    let acts = scene.acts();
    let asked = requests(&acts);
    assert!(!asked.is_empty(), "the next round");
    scene.missed(4, true);
    ends(&mut scene, &acts, &asked);
    let next = scene.acts();
    assert!(concluded(&next).is_empty());
    assert!(waits(&next).iter().any(|wait| *wait == detection().detection_time()));
}

#[test]
fn one_that_was_late_is_waited_for_in_its_next_case_for_a_while() {
    let mut scene = Scene::of_five();
    let (acts, asked) = round(&mut scene);
    ends(&mut scene, &acts, &asked);
    scene.done(&second_probe(&acts), 1);
    scene.arbiter.close(NETA, member(4).address);
    scene.acts();
    let (acts, _) = round(&mut scene);
    assert!(waits(&acts).iter().all(|wait| *wait == detection().detection_time()));
    scene.arbiter.close(NETA, member(4).address);
    scene.run(detection().detection_time() * 8 + ms(1));
    let (acts, _) = round(&mut scene);
    assert!(waits(&acts).iter().all(|wait| *wait == detection().probe_timeout));
}

#[test]
fn a_round_that_this_nodes_own_nim_has_not_come_to_says_nothing() {
    let mut scene = Scene::new(3, &[3, 4], &[NETA]);
    scene.missed(4, true);
    scene.acts();
    scene.run(detection().probe_timeout * LAST_CALL);
    let next = scene.acts();
    assert!(concluded(&next).is_empty());
    assert!(waits(&next).iter().all(|wait| *wait == detection().detection_time()));
}

#[test]
fn an_arbiter_says_its_result_anew_when_an_answer_comes_late() {
    let mut scene = Scene::of_five();
    let request = ProbeRequest {
        case: CaseId::new(node(1), 1),
        round: 1,
        network: "neta".into(),
        reporter: member(1),
        suspect: member(4),
        timeout_us: 100_000,
        brief: false,
        doubts_itself: false,
    };
    scene.with(|arbiter, now, around| arbiter.asked(now, node(1), request, around));
    let acts = scene.acts();
    scene.finish(&acts, |_, target| target != on(NETB, 4).address);
    scene.run(detection().probe_timeout * 2);
    assert_eq!(results(&scene.acts()).len(), 1);
    let probe = second_probe(&acts);
    scene.done(&probe, 1);
    let anew = results(&scene.acts());
    let heard = |o: &&Observation| o.target_address == probe.target;
    let heard = anew[0].1.observations.iter().find(heard).expect("it was probed");
    assert_eq!((anew.len(), heard.received), (1, 1));
    scene.done(&probe, 1);
    assert!(results(&scene.acts()).is_empty(), "once");
}

#[test]
fn an_arbiter_waits_as_long_as_it_is_asked_to_and_never_longer_than_a_detection_time() {
    for (asked, waited) in [(0, ms(100)), (400_000, ms(400)), (u64::MAX / 2_000, ms(1_000))] {
        let mut scene = Scene::of_five();
        let request = ProbeRequest {
            case: CaseId::new(node(1), 1),
            round: 1,
            network: "neta".into(),
            reporter: member(1),
            suspect: member(4),
            brief: false,
            doubts_itself: false,
            timeout_us: asked,
        };
        scene.with(|arbiter, now, around| arbiter.asked(now, node(1), request, around));
        assert!(waits(&scene.acts()).iter().all(|wait| *wait == waited), "{asked}");
    }
}
