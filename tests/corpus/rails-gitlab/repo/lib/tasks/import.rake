task :import do
  PG.connect("postgresql://forum@forum-db.internal.example.fr/forum")
end
