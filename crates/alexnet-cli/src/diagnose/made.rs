use super::{Example, Piece, Suspect};
use crate::array::Array;
use anyhow::Result;

/// A known mistake of converters.
pub(super) struct Mistake {
    /// Its name in reports.
    pub id: &'static str,
    /// Where to look for it.
    pub remedy: &'static str,
    /// The ways of making it at the suspect; none where it can't be made there.
    pub attempts: for<'a> fn(&'a Suspect<'a>) -> Vec<Attempt<'a>>,
}

/// One way of making a mistake.
pub(super) struct Attempt<'a> {
    /// What one would say if this explained the difference.
    pub sentence: String,
    /// How many numbers were fitted to what was found: a mistake with fewer is the simpler explanation.
    pub fitted: usize,
    made: Made<'a>,
}

type Output<'a> = Box<dyn Fn(&Example) -> Result<Array> + 'a>;

enum Made<'a> {
    Piece(Box<Piece>),
    Output(Output<'a>),
}

impl<'a> Attempt<'a> {
    /// The layers with the mistake in them.
    pub fn piece(sentence: impl Into<String>, piece: Piece) -> Attempt<'a> {
        Attempt { sentence: sentence.into(), fitted: 0, made: Made::Piece(Box::new(piece)) }
    }

    /// What the layers with the mistake in them give, computed otherwise.
    pub fn output(sentence: impl Into<String>, output: impl Fn(&Example) -> Result<Array> + 'a) -> Attempt<'a> {
        Attempt { sentence: sentence.into(), fitted: 0, made: Made::Output(Box::new(output)) }
    }

    /// The same attempt, with `count` numbers of it taken from what was found.
    pub fn fitted(self, count: usize) -> Attempt<'a> {
        Attempt { fitted: count, ..self }
    }

    /// What comes out for an example; none where another shape would.
    pub fn run(&self, example: &Example) -> Option<Array> {
        let output = match &self.made {
            Made::Piece(piece) => {
                let shape = piece.output()?;
                (shape == *example.found.shape.get(1..)?).then(|| piece.run(&example.input))?
            }
            Made::Output(output) => output(example),
        };
        output.ok().filter(|output| output.shape == example.found.shape)
    }
}
