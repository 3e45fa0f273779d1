"""weftline's SDK: what runs inside the user's process."""
