//! Work by number on several threads, taken in order.

use std::{
    collections::BTreeMap,
    sync::{
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc,
    },
    thread,
};

/// Does `work` for 0, 1, 2 ... on so many threads for as long as `more` says of a
/// number that it is wanted, and gives the results to `take` in order until that
/// says false: what it comes to does not depend on the number of threads.
pub(crate) fn in_order<T: Send>(
    jobs: usize,
    more: impl Fn(u64) -> bool + Sync,
    work: impl Fn(u64) -> T + Sync,
    mut take: impl FnMut(T) -> bool,
) {
    let (next, enough) = (&AtomicU64::new(0), &AtomicBool::new(false));
    let (more, work) = (&more, &work);
    thread::scope(|scope| {
        let (told, heard) = mpsc::channel();
        for _ in 0..jobs.max(1) {
            let told = told.clone();
            scope.spawn(move || {
                while !enough.load(Ordering::Relaxed) {
                    // Whoever takes a number does its work: there are no gaps.
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if !more(number) || told.send((number, work(number))).is_err() {
                        break;
                    }
                }
            });
        }
        drop(told);
        let (mut early, mut taken): (BTreeMap<u64, T>, u64) = (BTreeMap::new(), 0);
        for (number, result) in heard {
            early.insert(number, result);
            while let Some(result) = early.remove(&taken) {
                taken += 1;
                if !enough.load(Ordering::Relaxed) && !take(result) {
                    enough.store(true, Ordering::Relaxed);
                }
            }
        }
    });
}
