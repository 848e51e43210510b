use super::options::Section;
use crate::Result;
use alexnet_spec::graph::{Graph, Node, NodeOp};
use alexnet_spec::{Op, Shape, Transform};

/// The network of a `.cfg`, and the arrays that a `.weights` holds for it, in the file's order.
pub(super) struct Plan {
    pub graph: Graph,
    pub nodes: Vec<Node>,
    pub operands: Vec<Planned>,
    pub arrays: Vec<Array>,
}

/// Which array is a node's parameter.
pub(super) struct Planned {
    pub node: usize,
    pub role: &'static str,
    pub array: usize,
}

/// One array of a `.weights`.
pub(super) struct Array {
    pub name: String,
    /// As the layer has it: `[out, in / groups, height, width]`, `[out, in]`, `[channels]`.
    pub shape: Vec<usize>,
    pub order: Order,
}

/// How an array's elements lie in the file.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    Rows,
    /// `flipped=1` of a convolution: `[in, height, width, out]`.
    OutLast,
    /// Connected: `[in, out]` where the header says so.
    AsHeaderSays,
}

impl Array {
    pub fn elements(&self) -> Option<usize> {
        self.shape.iter().try_fold(1usize, |product, size| product.checked_mul(*size))
    }

    /// The shape in the file.
    pub fn stored(&self, transposed: bool) -> Vec<usize> {
        let mut shape = self.shape.clone();
        match self.order {
            Order::OutLast => shape.rotate_left(1),
            Order::AsHeaderSays if transposed => shape.reverse(),
            Order::Rows | Order::AsHeaderSays => {}
        }
        shape
    }

    /// What makes that the layer's.
    pub fn transform(&self, transposed: bool) -> Transform {
        match self.order {
            Order::OutLast => Transform::Permute(vec![3, 0, 1, 2]),
            Order::AsHeaderSays if transposed => Transform::Transpose,
            Order::Rows | Order::AsHeaderSays => Transform::Identity,
        }
    }
}

/// A plan that grows layer by layer.
pub(super) struct Builder {
    pub plan: Plan,
    /// What the next layer reads.
    pub shape: Shape,
    value: String,
}

impl Builder {
    pub fn new(graph: Graph, shape: Shape) -> Builder {
        let value = graph.input_name.clone();
        let plan = Plan { graph, nodes: Vec::new(), operands: Vec::new(), arrays: Vec::new() };
        Builder { plan, shape, value }
    }

    /// Adds a node that reads the one before.
    ///
    /// Errs where it can't.
    pub fn push(&mut self, section: &Section, suffix: &str, op: impl Into<Op>) -> Result<()> {
        let op = op.into();
        self.shape = op.infer().output(self.shape).map_err(|message| section.malformed(message))?;
        if self.shape.elements().is_none_or(|elements| elements > isize::MAX as usize / 16) {
            return Err(section.malformed(format!("an output of {} is too large", self.shape)));
        }
        let name = format!("{}{suffix}", section.name());
        let before = std::mem::replace(&mut self.value, name.clone());
        self.plan.nodes.push(Node::new(name, vec![before], NodeOp::Layer(op)));
        Ok(())
    }

    /// The next array of the file, which is not yet a parameter of any node.
    pub fn array(&mut self, section: &Section, name: &str, shape: Vec<usize>, order: Order) -> usize {
        self.plan.arrays.push(Array { name: format!("{}.{name}", section.name()), shape, order });
        self.plan.arrays.len().saturating_sub(1)
    }

    /// Makes an array a parameter of the last node.
    pub fn operand(&mut self, role: &'static str, array: usize) {
        let node = self.plan.nodes.len().saturating_sub(1);
        self.plan.operands.push(Planned { node, role, array });
    }
}
