use super::array;
use super::heap::{Heap, Object, Value};
use super::rebuild;
use crate::{Error, Result};

/// Gives the object `target` the state that `BUILD` brings for it.
///
/// Errs where such an object has no state, or has one already.
pub(super) fn build(heap: &mut Heap, target: Value, state: Value) -> Result<()> {
    match heap.get(target) {
        // Attributes of an `OrderedDict` (a state dict's `_metadata`) and the like: nothing here needs them.
        Some(Object::Dict(_) | Object::Set(_) | Object::Refused(_)) => Ok(()),
        Some(Object::ArrayType(_)) => array::build_type(heap, target, state),
        Some(Object::Array(_)) => array::build(heap, target, state),
        Some(Object::Tensor(_)) => rebuild::build_tensor(heap, target, state),
        Some(Object::Instance(instance)) if instance.state == Value::None => {
            let class = instance.class;
            if rebuild::build_instance(heap, target, class, state)? {
                return Ok(());
            }
            if let Some(Object::Instance(instance)) = heap.get_mut(target) {
                instance.state = state;
            }
            Ok(())
        }
        Some(Object::Instance(_)) => Err(Error::malformed("an object is given a state twice")),
        _ => Err(Error::malformed(format!("{} is given a state", heap.describe(target)))),
    }
}
