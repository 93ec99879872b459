"""Who is who, whose a run is, who may do what with it, and what the teacher has decided for the class."""
