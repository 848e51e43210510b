//! What the machine can do at best, from which `benches/run` computes the floor: multiply-adds on numbers that stay in
//! registers, and reading memory that no cache holds. Two processes that take turns with the engines.

mod arithmetic;
mod layers;
mod memory;

use alexnet_bench::{answer, say};
use anyhow::Result;
use clap::Parser;
use std::hint::black_box;
use std::path::PathBuf;
use std::thread;

#[derive(Parser)]
enum Arguments {
    /// Time multiply-adds of f32.
    Arithmetic {
        #[arg(long)]
        threads: usize,
    },
    /// Time reading.
    Memory {
        #[arg(long)]
        threads: usize,
    },
    /// Print what each layer of a network needs, as JSON.
    Layers { model: PathBuf },
}

fn main() -> Result<()> {
    match Arguments::parse() {
        Arguments::Arithmetic { threads } => {
            let operations = arithmetic::operations() * threads as f64;
            say(&format!("READY load=0 diff=0 amount={operations:e}"))?;
            answer(&mut || {
                on_each(vec![(); threads], |()| arithmetic::run());
                Ok(())
            })
        }
        Arguments::Memory { threads } => {
            let memory = memory::filled()?;
            say(&format!("READY load=0 diff=0 amount={:e}", memory.len() as f64))?;
            answer(&mut || {
                on_each(memory.chunks(memory.len().div_ceil(threads)).collect(), memory::sum);
                Ok(())
            })
        }
        Arguments::Layers { model } => layers::print(&model),
    }
}

/// Runs `work` on every part, each on a thread of its own.
fn on_each<T: Send>(parts: Vec<T>, work: impl Fn(T) -> f32 + Sync) {
    let work = &work;
    thread::scope(|scope| {
        for part in parts {
            scope.spawn(move || black_box(work(part)));
        }
    });
}
