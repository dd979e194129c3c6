//! keynode: a licence node.
