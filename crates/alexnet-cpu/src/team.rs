//! Threads that go through a list of steps together.
//!
//! Everybody takes items of the current step until none is left, then waits for those that others are still at. Nobody waits
//! for a thread that hasn't come yet, so a busy thread pool costs time and never a deadlock.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Work in independent items.
pub(crate) struct Step<'a> {
    /// The layers that it computes.
    pub(crate) name: &'a str,
    /// How many items there are.
    pub(crate) items: usize,
    /// How many are taken at once.
    pub(crate) grain: usize,
    /// Does one item, given the thread's number within the team.
    pub(crate) work: Box<dyn Fn(usize, usize) + Sync + 'a>,
}

impl<'a> Step<'a> {
    /// Items of which each is worth taking by itself.
    pub(crate) fn each(name: &'a str, items: usize, work: impl Fn(usize, usize) + Sync + 'a) -> Step<'a> {
        Step { name, items, grain: 1, work: Box::new(work) }
    }

    /// Small items: neighbours are taken together, in about eight turns for each of `threads`.
    pub(crate) fn shared(
        name: &'a str,
        items: usize,
        threads: usize,
        work: impl Fn(usize, usize) + Sync + 'a,
    ) -> Step<'a> {
        Step { name, items, grain: (items / (8 * threads.max(1))).max(1), work: Box::new(work) }
    }
}

/// Does `steps` in order with up to `threads` threads of rayon's pool, the calling one among them.
pub(crate) fn run(threads: usize, steps: &[Step]) {
    if threads <= 1 {
        for step in steps {
            (0..step.items).for_each(|item| (step.work)(0, item));
        }
        return;
    }
    let team = Team {
        steps: steps.iter().map(|step| (step, Progress::default())).collect(),
        members: AtomicUsize::new(0),
        panicked: AtomicBool::new(false),
    };
    rayon::in_place_scope(|scope| {
        for _ in 1..threads {
            scope.spawn(|_| team.join());
        }
        team.join();
    });
}

/// [`run`], step by step, and how long each took.
pub(crate) fn time(threads: usize, steps: &[Step]) -> Vec<Duration> {
    let times = steps.iter().map(|step| {
        let start = Instant::now();
        run(threads, std::slice::from_ref(step));
        start.elapsed()
    });
    times.collect()
}

struct Team<'a, 'b> {
    steps: Vec<(&'a Step<'b>, Progress)>,
    members: AtomicUsize,
    panicked: AtomicBool,
}

/// On cache lines of their own, since everybody writes to them.
#[derive(Default)]
#[repr(align(128))]
struct Progress {
    taken: AtomicUsize,
    done: AtomicUsize,
}

impl Team<'_, '_> {
    fn join(&self) {
        let member = self.members.fetch_add(1, Ordering::Relaxed);
        let alarm = Alarm(&self.panicked);
        for (step, progress) in &self.steps {
            loop {
                let first = progress.taken.fetch_add(step.grain, Ordering::Relaxed);
                if first >= step.items {
                    break;
                }
                let end = (first + step.grain).min(step.items);
                (first..end).for_each(|item| (step.work)(member, item));
                // What was written happens before what those who see this number read.
                progress.done.fetch_add(end - first, Ordering::Release);
            }
            let mut turns = 0u32;
            while progress.done.load(Ordering::Acquire) < step.items {
                if self.panicked.load(Ordering::Relaxed) {
                    return;
                }
                turns += 1;
                // Where there are fewer cores than threads, who waits must let the others work.
                if turns < 4096 { std::hint::spin_loop() } else { std::thread::yield_now() }
            }
        }
        std::mem::forget(alarm);
    }
}

/// Tells the others when a thread unwinds: its items will never be done.
struct Alarm<'a>(&'a AtomicBool);

impl Drop for Alarm<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
