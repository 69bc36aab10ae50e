//! Broken machines, for the proof that the checkers bite.
//!
//! A tamper stands between a machine and its shell and spoils what comes out;
//! the machines themselves know nothing of it. Only tests have one, and who harms
//! datagrams one by one.

use hats_core::{io::Effect, sizes::Size};

use crate::{
    host::Port,
    net::{Lost, Travel},
    process::Process,
    record::Adoption,
    world::World,
};

/// Spoils what machines want, or what is recorded of them.
pub(crate) trait Tamper {
    /// What the node of `host` wants done: drop, change, add.
    fn effects(&mut self, _world: &World, _host: usize, _effects: &mut Vec<Effect>) {}

    /// What is about to be recorded as adopted; false: it is not.
    fn adoption(&mut self, _world: &World, _adoption: &mut Adoption) -> bool {
        true
    }

    /// How full a machine says that one of its tables is.
    fn size(&self, _world: &World, _of: Process, _size: &mut Size) {}

    /// What becomes of a datagram on its way to one adapter.
    fn travel(&mut self, _world: &World, _way: [Port; 2], _bytes: &[u8], _to: &mut Fate) {}
}

/// How a datagram gets there, or why it does not.
pub(crate) type Fate = Result<Travel, Lost>;

impl World {
    /// What becomes of a datagram, when somebody has a hand in it.
    pub(crate) fn fated(&mut self, way: [Port; 2], bytes: &[u8], mut fate: Fate) -> Fate {
        if let Some(mut tamper) = self.tamper.take() {
            tamper.travel(self, way, bytes, &mut fate);
            self.tamper = Some(tamper);
        }
        fate
    }

    /// What a node wants done, as it comes out of a machine that may be broken.
    pub(crate) fn tampered(&mut self, host: usize, mut effects: Vec<Effect>) -> Vec<Effect> {
        if let Some(mut tamper) = self.tamper.take() {
            tamper.effects(self, host, &mut effects);
            self.tamper = Some(tamper);
        }
        effects
    }

    /// Records an adoption, unless a broken machine keeps it to itself.
    pub(crate) fn note_adoption(&mut self, mut adoption: Adoption) {
        if let Some(mut tamper) = self.tamper.take() {
            let keep = tamper.adoption(self, &mut adoption);
            self.tamper = Some(tamper);
            if !keep {
                return;
            }
        }
        self.records.adopted(adoption);
    }
}
