//! What can be done to the clocks of a node.

use crate::world::World;

/// A clock that is further off than this is no clock.
const PPM_MAX: i32 = 500_000;

impl World {
    /// The node's clock gains `ppm` millionths from now on, or loses them; 0
    /// for a clock that runs true. Nobody is to notice.
    pub fn clock_rate(&mut self, node: &str, ppm: i32) {
        assert!(ppm.abs() <= PPM_MAX, "rate is {ppm} ppm: expected at most {PPM_MAX} either way");
        let host = self.host_named(node);
        self.done(format!("clock of {node} gains {ppm} ppm"));
        let now = self.now;
        self.hosts[host].clock.set_rate(now, ppm);
        // Timers are of that clock.
        self.set_alarms(host);
    }

    /// The wall clock of the node is set forward by so many milliseconds, or
    /// back. Nothing reads it but a daemon that starts, for its incarnation.
    pub fn wall_clock_step(&mut self, node: &str, ms: i64) {
        let host = self.host_named(node);
        self.done(format!("wall clock of {node} steps by {ms} ms"));
        self.hosts[host].wall_ms += ms;
    }
}
