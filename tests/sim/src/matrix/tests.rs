//! What the matrix shows of machines that are broken.

use hats_core::{event::EventKind, io::Effect};
use hats_wire::Cause;

use super::*;
use crate::{tamper::Tamper, world::World};

/// So many worlds are enough for each class that matters.
const WORLDS: u64 = 3;

fn told(limits: &Limits, tamper: impl Fn() -> Option<Box<dyn Tamper>>) -> Matrix {
    let mut matrix = Matrix::default();
    for seed in 1..=WORLDS {
        matrix.add(&trial::tell(Course::of(seed, limits), None, tamper()));
    }
    matrix
}

fn small(class: Class) -> Limits {
    Limits { nodes: (3, 4), loss: (0, 0), only: Some(class), faults: 4 }
}

/// Says of an adapter that sends nothing that it receives nothing, and the other
/// way round.
struct Swapped;

impl Tamper for Swapped {
    fn effects(&mut self, _world: &World, _host: usize, effects: &mut Vec<Effect>) {
        for effect in effects {
            let Effect::Publish(event) = effect else { continue };
            event.cause = match event.cause {
                Some(Cause::Transmit) => Some(Cause::Receive),
                Some(Cause::Receive) => Some(Cause::Transmit),
                other => other,
            };
        }
    }
}

/// Keeps verdicts to itself.
struct Mum;

impl Tamper for Mum {
    fn effects(&mut self, _world: &World, _host: usize, effects: &mut Vec<Effect>) {
        effects.retain(|effect| {
            let Effect::Publish(event) = effect else { return true };
            event.kind != EventKind::AdapterDown
        });
    }
}

/// Says of a cut adapter that it receives nothing: that is so, and half of it.
struct Half;

impl Tamper for Half {
    fn effects(&mut self, _world: &World, _host: usize, effects: &mut Vec<Effect>) {
        for effect in effects {
            let Effect::Publish(event) = effect else { continue };
            if event.cause == Some(Cause::Both) {
                event.cause = Some(Cause::Receive);
            }
        }
    }
}

#[test]
fn a_direction_that_is_swapped_is_a_wrong_culprit() {
    let well = told(&small(Class::Mute), || None);
    assert!(well.is_well(), "{well}");
    let swapped = told(&small(Class::Mute), || Some(Box::new(Swapped)));
    assert!(swapped.wrong() >= 1, "{swapped}");
    assert!(!swapped.is_well());
    let finding = swapped.findings.first().expect("there is one");
    assert!(finding.why.contains("receive"), "{finding}");
}

#[test]
fn half_of_the_truth_is_another_direction() {
    let half = told(&small(Class::Cut), || Some(Box::new(Half)));
    assert!(half.sum(|_, _, _| true).count(Outcome::Direction) >= WORLDS, "{half}");
    assert!(!half.is_well());
}

#[test]
fn a_fault_that_nobody_speaks_of_is_missed() {
    let mum = told(&small(Class::Deaf), || Some(Box::new(Mum)));
    assert!(mum.sum(|_, _, _| true).count(Outcome::Nothing) >= 1, "{mum}");
    assert!(!mum.is_well());
}

#[test]
fn what_it_comes_to_does_not_depend_on_the_number_of_threads() {
    let stop = AtomicBool::new(false);
    let limits = Limits { nodes: (2, 4), faults: 4, ..Limits::default() };
    let orders = |jobs| Orders {
        from: 1,
        worlds: None,
        faults: Some(10),
        limits,
        deadline: None,
        jobs,
        stop: &stop,
    };
    let (one, three) = (many(&orders(1), |_| {}), many(&orders(3), |_| {}));
    assert!(one.faults >= 10);
    assert_eq!(one, three);
}
