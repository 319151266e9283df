export const sql = postgres(process.env.DATABASE_URL ?? "postgres://kiosk@localhost:5433/kiosk");
