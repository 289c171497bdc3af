package shop

// Names for the tests outside of the package.
type DoctorView = doctorView
