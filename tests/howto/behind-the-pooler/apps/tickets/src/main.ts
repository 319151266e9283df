import { PrismaClient } from "@prisma/client";

const prisma = new PrismaClient();
export const open = () => prisma.ticket.findMany();
