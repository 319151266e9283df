import { PrismaClient } from "@prisma/client";

const prisma = new PrismaClient();

export async function assets() {
  return prisma.asset.findMany();
}
