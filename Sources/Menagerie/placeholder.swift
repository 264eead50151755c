// Menagerie
