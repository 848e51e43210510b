use crate::args::FloatType;
use clap::ValueEnum;
use std::fmt;
use std::str::FromStr;

/// A runtime as the command line names it: `candle`, `candle:bf16`, `candle:f16@cuda:1`, `ort@cuda`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spec {
    /// Which program.
    pub kind: Kind,
    /// The element type that it computes in; f32 where it is left out. The candle model alone has a choice.
    pub dtype: Option<FloatType>,
    /// Where it runs; `--device` for the candle model and the CPU for the others where it is left out.
    pub device: Option<String>,
}

/// A program that runs networks, or what takes the place of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// The candle model
    Candle,
    /// candle-onnx, on the graph lowered to the operators that it computes rightly
    CandleOnnx,
    /// ONNX Runtime, from a library found when the program runs
    Ort,
    /// tract, in builds that have it
    Tract,
    /// Outputs that another program recorded beside the inputs
    Golden,
}

impl Kind {
    /// The name on the command line and in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Candle => "candle",
            Kind::CandleOnnx => "candle-onnx",
            Kind::Ort => "ort",
            Kind::Tract => "tract",
            Kind::Golden => "golden",
        }
    }

    /// Whether what it runs by itself is an ONNX graph.
    pub fn runs_graphs(self) -> bool {
        matches!(self, Kind::CandleOnnx | Kind::Ort | Kind::Tract)
    }
}

impl Spec {
    /// A runtime as it is without further words.
    pub fn of(kind: Kind) -> Spec {
        Spec { kind, dtype: None, device: None }
    }
}

impl fmt::Display for Spec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.as_str())?;
        if let Some(dtype) = self.dtype.and_then(|dtype| dtype.to_possible_value()) {
            write!(f, ":{}", dtype.get_name())?;
        }
        match &self.device {
            Some(device) => write!(f, "@{device}"),
            None => Ok(()),
        }
    }
}

impl FromStr for Spec {
    type Err = String;

    fn from_str(text: &str) -> Result<Spec, String> {
        let (rest, device) = match text.split_once('@') {
            Some((rest, device)) => (rest, Some(device.to_owned())),
            None => (text, None),
        };
        let (name, dtype) = match rest.split_once(':') {
            Some((name, dtype)) => (name, Some(dtype)),
            None => (rest, None),
        };
        let names = || Kind::value_variants().iter().map(|kind| kind.as_str()).collect::<Vec<_>>().join(", ");
        let kind = Kind::value_variants().iter().copied().find(|kind| kind.as_str() == name);
        let kind = kind.ok_or_else(|| format!("no runtime is called `{name}`; try one of {}", names()))?;
        let dtype = dtype.map(|dtype| {
            FloatType::from_str(dtype, false)
                .map_err(|_| format!("`{dtype}` is no type to compute in: f32, f16 or bf16"))
        });
        let spec = Spec { kind, dtype: dtype.transpose()?, device };
        match kind {
            Kind::Candle => Ok(spec),
            _ if spec.dtype.is_some() => Err(format!("`{name}` computes in the graph's own types; leave out the `:`")),
            Kind::Ort => Ok(spec),
            _ if spec.device.is_some() => Err(format!("`{name}` runs on the CPU alone; leave out the `@`")),
            _ => Ok(spec),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_runtime_is_written_as_it_is_read() {
        for text in ["candle", "candle:f16", "candle:bf16@cuda:1", "candle@metal", "ort", "ort@cuda", "tract", "golden"]
        {
            assert_eq!(text.parse::<Spec>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_a_runtime_has_no_choice_of_is_refused() {
        for text in ["", "onnxruntime", "ort:f16", "candle:int8", "tract@cuda", "golden@cpu", "candle-onnx:f32"] {
            assert!(text.parse::<Spec>().is_err(), "{text}");
        }
    }
}
